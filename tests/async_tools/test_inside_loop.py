"""`run_sync` where a loop runs already: on the persistent loop all the same, awaited, blocked for, or refused."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import subprocess
import threading
import weakref
from typing import TYPE_CHECKING, Any

import pytest

from diagnostics.async_tools import PersistentLoop, run_sync, to_sync
from tests.async_tools.parts import PATIENCE, ROOT, echo, fail, here

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def test_an_awaitable_runs_on_the_persistent_loop() -> None:
    async def caller() -> tuple[asyncio.AbstractEventLoop, asyncio.AbstractEventLoop]:
        return await run_sync(here(), inside_loop="await"), asyncio.get_running_loop()

    ours, other = asyncio.run(caller())
    assert ours is run_sync(here())
    assert ours is not other


def test_it_runs_before_it_is_awaited_and_beside_others() -> None:
    """Each of the two waits for the other: they would wait for ever if one ran after the other."""
    both = threading.Barrier(2)

    async def meet() -> None:
        await asyncio.to_thread(both.wait, PATIENCE)

    async def caller() -> None:
        await asyncio.gather(run_sync(meet(), inside_loop="await"), run_sync(meet(), inside_loop="await"))

    asyncio.run(caller())


def test_an_awaitable_hands_over_exceptions() -> None:
    async def caller() -> None:
        with pytest.raises(ValueError, match="x"):
            await run_sync(fail(ValueError("x")), inside_loop="await")
        with pytest.raises(TimeoutError):
            await run_sync(asyncio.sleep(PATIENCE), timeout=0.01, inside_loop="await")

    asyncio.run(caller())


@pytest.mark.parametrize("patience", [0.01, 0])
def test_cancelling_the_awaitable_cancels_the_coroutine_and_waits_for_its_cleanup(patience: float) -> None:
    async def wait_for_ever() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            cleaned.set()

    async def caller() -> None:
        waiting = run_sync(wait_for_ever(), inside_loop="await")
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(waiting, patience)
        if patience:  # otherwise it was cancelled before it could begin to wait
            assert cleaned.is_set()

    cleaned = threading.Event()
    asyncio.run(caller())
    assert cleaned.wait(PATIENCE)


def test_the_end_of_the_callers_loop_cancels_what_it_waited_for() -> None:
    async def wait_for_ever() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cleaned.append(True)

    async def caller() -> None:
        left.append(run_sync(wait_for_ever(), inside_loop="await"))
        await asyncio.sleep(0)

    cleaned: list[bool] = []
    left: list[Any] = []
    asyncio.run(caller())
    assert cleaned == [True]


def test_block_returns_the_result() -> None:
    async def caller() -> tuple[int, bool]:
        return run_sync(echo(1), inside_loop="block"), run_sync(here(), inside_loop="block") is not await here()

    assert asyncio.run(caller()) == (1, True)


def test_raise_refuses() -> None:
    async def caller() -> None:
        run_sync(echo(1), inside_loop="raise")

    with pytest.raises(RuntimeError, match="inside a running event loop: await the coroutine instead"):
        asyncio.run(caller())
    assert run_sync(echo(1), inside_loop="raise") == 1


@pytest.mark.parametrize("inside_loop", ["await", "block", "raise"])
def test_on_the_loops_own_thread_it_is_an_error_and_no_deadlock(inside_loop: Any) -> None:
    async def caller() -> None:
        run_sync(echo(1), inside_loop=inside_loop)

    with pytest.raises(RuntimeError, match="own thread would wait for itself: await the coroutine instead"):
        run_sync(caller())


def test_sync_code_that_the_loop_calls_is_told_as_well(persistent: PersistentLoop) -> None:
    """A callback of the loop, and what runs while the loop is ending: there is no running task, and no loop in use."""

    async def caller() -> None:
        asyncio.get_running_loop().call_soon(callback)
        await asyncio.sleep(0)
        try:
            await asyncio.Event().wait()
        finally:
            callback()

    def callback() -> None:
        with pytest.raises(RuntimeError, match="await the coroutine instead"):
            persistent.run(echo(1))
        refused.append(True)

    refused: list[bool] = []
    waiting = persistent.submit(caller())
    persistent.run(echo(1))
    persistent.shutdown()
    assert waiting.done()
    assert refused == [True, True]


def test_a_thread_that_the_loop_started_may_call() -> None:
    async def caller() -> int:
        return await asyncio.to_thread(run_sync, echo(1))

    assert run_sync(caller()) == 1


def test_a_decorated_function_blocks_where_its_owner_says_so() -> None:
    async def caller() -> int:
        return to_sync(echo, inside_loop="block")(1)

    assert asyncio.run(caller()) == 1


@pytest.mark.environment
@pytest.mark.parametrize("generation", ["openai-2", "openai-3"])
def test_document_000_brings_the_error_back_and_this_does_not(
    generation: str, sdk_python: Callable[[str], Path]
) -> None:
    """Its version gives the bare coroutine to the caller's loop, so a shared client meets three loops."""

    def play(version: str) -> list[str]:
        script = ROOT / "tests" / "async_tools" / "programs" / "shared_client.py"
        command = [str(sdk_python(generation)), str(script), version]
        done = subprocess.run(
            command, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=True, timeout=PATIENCE
        )
        lines: list[str] = done.stdout.splitlines()
        return lines

    assert play("ours") == ["outside: answer", "inside: answer", "inside: answer"]
    documented = play("documented")
    assert documented[0] == "outside: answer"
    assert any("RuntimeError" in line and "loop" in line for line in documented[1:]), documented


def test_an_error_of_the_cleanup_is_told_as_a_task_tells_it() -> None:
    async def fails_to_clean_up() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            raise OSError("not cleaned")

    async def main() -> None:
        task = asyncio.ensure_future(run_sync(fails_to_clean_up(), inside_loop="await"))
        await run_sync(echo(None), inside_loop="await")
        task.cancel()
        with pytest.raises(OSError, match="not cleaned"):
            await task

    asyncio.run(main())


def test_a_cancelled_awaitable_keeps_nothing_alive() -> None:
    class Held:
        """What the caller's frame has."""

    async def main() -> weakref.ref[Held]:
        held = Held()
        task = asyncio.ensure_future(run_sync(asyncio.sleep(PATIENCE, held), inside_loop="await"))
        await run_sync(echo(None), inside_loop="await")
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        # The answer comes while the other thread is still in the step that ends the coroutine: wait for the next one.
        await run_sync(echo(None), inside_loop="await")
        return weakref.ref(held)

    gc.collect()
    gc.disable()
    try:
        assert asyncio.run(main())() is None
    finally:
        gc.enable()
