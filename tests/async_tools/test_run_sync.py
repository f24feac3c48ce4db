"""`run_sync` where no loop runs: the result, the error or the end of the time, once, from any thread."""

from __future__ import annotations

import asyncio
import gc
import sysconfig
import threading
import traceback
import warnings
import weakref
from concurrent.futures import CancelledError as FutureCancelled
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from diagnostics.async_tools import PersistentLoop, run_sync
from tests.async_tools.parts import PATIENCE, ThreadEach, echo, fail, here

if TYPE_CHECKING:
    from collections.abc import Generator


def test_every_call_runs_on_the_same_loop_from_any_thread() -> None:
    with ThreadPoolExecutor(4) as threads:
        loops = set(threads.map(lambda _: run_sync(here()), range(20)))
    assert loops == {run_sync(here())}


def test_many_threads_that_come_first_start_one_loop() -> None:
    all_ready = threading.Barrier(8)

    def first(_: int) -> asyncio.AbstractEventLoop:
        all_ready.wait(PATIENCE)
        return run_sync(here())

    with ThreadPoolExecutor(8) as threads:
        assert len(set(threads.map(first, range(8)))) == 1


def test_the_coroutine_is_a_task_from_its_first_step() -> None:
    """Which it takes at once: `asyncio.timeout`, anyio and sniffio all ask for the task."""

    async def tasks() -> list[asyncio.Task[Any] | None]:
        first = asyncio.current_task()
        await asyncio.sleep(0)
        return [first, asyncio.current_task()]

    first, second = run_sync(tasks())
    assert first is second
    assert first is not None


def test_whatever_can_be_awaited_is_run() -> None:
    class Answer:
        def __await__(self) -> Generator[Any, None, str]:
            return echo("answer").__await__()

    assert run_sync(Answer()) == "answer"


@pytest.mark.parametrize("nonsense", [5, None, echo])
def test_what_is_no_coroutine_is_an_error_and_no_deadlock(nonsense: Any) -> None:
    with pytest.raises(TypeError, match="coroutine"):
        run_sync(nonsense)


@pytest.mark.parametrize("error", [ValueError("x"), KeyError("x"), asyncio.CancelledError(), FutureCancelled()])
def test_exceptions_come_out_as_they_are(error: BaseException) -> None:
    with pytest.raises(type(error)):
        run_sync(fail(error))


def test_an_exception_has_the_frames_of_both_sides() -> None:
    async def deep() -> None:
        await asyncio.sleep(0)
        await fail(ValueError("x"))

    def caller() -> None:
        run_sync(deep())

    with pytest.raises(ValueError, match="x") as caught:
        caller()
    names = [frame.name for frame in traceback.extract_tb(caught.tb)]
    assert [name for name in names if name in ("caller", "run_sync", "deep", "fail")] == [
        "caller",
        "run_sync",
        "deep",
        "fail",
    ]


@pytest.mark.parametrize("steps", [0, 1])
def test_an_exception_does_not_keep_what_the_coroutine_held(steps: int) -> None:
    class Client:
        pass

    async def use() -> None:
        client = Client()
        alive.append(weakref.ref(client))
        for _ in range(steps):
            await asyncio.sleep(0)
        raise ValueError("x")

    alive: list[weakref.ref[Client]] = []
    gc.collect()
    gc.disable()
    try:
        with pytest.raises(ValueError, match="x") as caught:
            run_sync(use())
        del caught
        run_sync(echo(1))  # the loop has gone on since, so that it holds nothing of the first call
        if sysconfig.get_config_var("Py_GIL_DISABLED"):
            gc.collect()  # what another thread lets go of last waits there for the thread that made it
        assert alive[0]() is None
    finally:
        gc.enable()


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt()])
@pytest.mark.parametrize("steps", [0, 1])
def test_what_ends_a_program_ends_its_caller_and_not_the_loop(error: BaseException, steps: int) -> None:
    async def leave() -> None:
        for _ in range(steps):
            await asyncio.sleep(0)
        raise error

    loop = run_sync(here())
    with pytest.raises(type(error)):
        run_sync(leave())
    assert run_sync(here()) is loop


def test_a_task_that_nobody_waits_for_does_not_end_the_loop_either(persistent: PersistentLoop) -> None:
    async def leave() -> None:
        task = asyncio.get_running_loop().create_task(fail(SystemExit(3)))
        await asyncio.sleep(0)
        task.exception()  # retrieved, or it would be logged

    loop = persistent.run(here())
    persistent.run(leave())
    assert persistent.run(here()) is loop


def test_what_ends_one_caller_leaves_the_others_alone(persistent: PersistentLoop) -> None:
    async def wait_for_the_end() -> str:
        waiting.set()
        await end.wait()
        return "undisturbed"

    async def make_event() -> asyncio.Event:
        return asyncio.Event()

    waiting, end = threading.Event(), persistent.run(make_event())
    other = persistent.submit(wait_for_the_end())
    assert waiting.wait(PATIENCE)
    loop = persistent.run(here())
    with pytest.raises(SystemExit):
        persistent.submit(fail(SystemExit(3))).result(PATIENCE)
    loop.call_soon_threadsafe(end.set)
    assert other.result(PATIENCE) == "undisturbed"


@pytest.mark.parametrize("catch", [TimeoutError, asyncio.TimeoutError])
def test_a_timeout_cancels_the_coroutine_and_waits_for_its_cleanup(catch: type[Exception]) -> None:
    async def wait_for_ever() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            cleaned.append(True)

    cleaned: list[bool] = []
    with pytest.raises(catch, match=r"had not ended after 0\.01 s"):
        run_sync(wait_for_ever(), timeout=0.01)
    assert cleaned == [True]


def test_a_result_in_spite_of_the_timeout_is_a_result() -> None:
    async def stubborn() -> str:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return "all the same"
        return "never"

    assert run_sync(stubborn(), timeout=0.01) == "all the same"
    assert run_sync(echo(1), timeout=PATIENCE) == 1


def test_a_timeout_of_the_coroutine_itself_comes_out_as_it_is() -> None:
    error = TimeoutError("its own")
    with pytest.raises(TimeoutError, match="its own") as caught:
        run_sync(fail(error), timeout=PATIENCE)
    assert caught.value is error


def test_no_refused_coroutine_says_that_it_was_never_awaited(persistent: PersistentLoop) -> None:
    async def on_the_loop() -> None:
        with pytest.raises(RuntimeError, match="await the coroutine instead"):
            persistent.run(echo(1))

    async def on_another_loop() -> None:
        with pytest.raises(RuntimeError, match="await the coroutine instead"):
            run_sync(echo(1), inside_loop="raise")

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        persistent.run(on_the_loop())
        asyncio.run(on_another_loop())
        with pytest.raises(ValueError, match="'await', 'block' or 'raise', not 'wait'"):
            run_sync(echo(1), inside_loop="wait")  # type: ignore[call-overload]
        gc.collect()
    assert caught == []


def test_a_coroutine_that_is_run_already_is_an_error_and_the_first_call_goes_on() -> None:
    begun, go_on = threading.Event(), threading.Event()

    async def work() -> str:
        begun.set()
        try:
            await asyncio.to_thread(go_on.wait, PATIENCE)
        finally:
            await asyncio.sleep(0)
        return "done"

    coroutine = work()
    first = ThreadEach().submit(run_sync, coroutine)
    assert begun.wait(PATIENCE)
    second = ThreadEach().submit(run_sync, coroutine)
    with pytest.raises(RuntimeError, match="awaited already"):
        second.result(PATIENCE)
    go_on.set()
    assert first.result(PATIENCE) == "done"


def test_a_finaliser_in_the_midst_of_a_start_wakes_who_waits() -> None:
    waiters: list[asyncio.Future[None]] = []

    def factory(loop: asyncio.AbstractEventLoop, coroutine: Any, **options: Any) -> asyncio.Task[Any]:
        for waiter in waiters:  # as a finaliser might, for a collection may begin where a task is made
            waiter.set_result(None)
        waiters.clear()
        return asyncio.Task(coroutine, loop=loop, **options)

    async def prepare() -> None:
        asyncio.get_running_loop().set_task_factory(factory)

    async def wait() -> str:
        waiter = asyncio.get_running_loop().create_future()
        waiters.append(waiter)
        await waiter
        return "woken"

    with PersistentLoop() as persistent:
        persistent.run(prepare())
        call = persistent.submit(wait())
        # By the second one it waits: with a factory, a task's first step comes a turn later from Python 3.12 on.
        assert [persistent.run(echo(number)) for number in range(2)] == [0, 1]
        assert call.result(PATIENCE) == "woken"
