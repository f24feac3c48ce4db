"""`run_sync` and `LoopLocal`: what goes in comes out, nothing hangs, and nothing is left behind.

What ends a process (Ctrl-C, fork, exit) happens in a program of its own, with every warning an error.
"""

from __future__ import annotations

import asyncio
import contextvars
import gc
import os
import signal
import subprocess
import sys
import threading
import weakref
from concurrent.futures import CancelledError as FutureCancelled
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from diagnostics import async_tools
from diagnostics.async_tools import LoopLocal, PersistentLoop, run_sync, to_sync

if TYPE_CHECKING:
    from collections.abc import Iterator

PATIENCE = 60
"""Seconds after which a test fails that would otherwise hang."""

word = contextvars.ContextVar("word", default="nothing")


@pytest.fixture(autouse=True)
def nothing_is_left() -> Iterator[None]:
    yield
    async_tools.shutdown()
    assert [thread.name for thread in threading.enumerate() if thread.name == "persistent-event-loop"] == []


@pytest.fixture
def persistent() -> Iterator[PersistentLoop]:
    loop = PersistentLoop()
    yield loop
    loop.shutdown()


async def here() -> asyncio.AbstractEventLoop:
    return asyncio.get_running_loop()


async def echo(value: Any) -> Any:
    await asyncio.sleep(0)
    return value


async def fail(error: BaseException) -> None:
    raise error


def test_every_call_runs_on_the_same_loop_from_any_thread() -> None:
    with ThreadPoolExecutor(4) as threads:
        loops = set(threads.map(lambda _: run_sync(here()), range(20)))
    assert loops == {run_sync(here())}


def test_many_threads_that_come_first_start_one_loop() -> None:
    all_ready = threading.Barrier(8)

    def first(_: int) -> Any:
        all_ready.wait(PATIENCE)
        return run_sync(here())

    with ThreadPoolExecutor(8) as threads:
        assert len(set(threads.map(first, range(8)))) == 1


def test_inside_another_loop_it_gives_an_awaitable_of_the_same_loop() -> None:
    async def caller() -> tuple[Any, Any]:
        awaited: Any = run_sync(here())
        return await awaited, asyncio.get_running_loop()

    ours, other = asyncio.run(caller())
    assert ours is run_sync(here())
    assert ours is not other


def test_an_awaitable_hands_over_exceptions_and_takes_cancellation() -> None:
    cancelled = threading.Event()

    async def wait_for_ever() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    async def caller() -> None:
        failing: Any = run_sync(fail(ValueError("x")))
        with pytest.raises(ValueError, match="x"):
            await failing
        waiting: Any = run_sync(wait_for_ever())
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(waiting, 0.01)

    asyncio.run(caller())
    assert cancelled.wait(PATIENCE)


def test_a_timeout_also_holds_inside_another_loop() -> None:
    async def caller() -> None:
        awaited: Any = run_sync(asyncio.sleep(PATIENCE), timeout=0.01)
        with pytest.raises(asyncio.TimeoutError):
            await awaited

    asyncio.run(caller())


def test_on_the_loops_own_thread_it_is_an_error_and_no_deadlock() -> None:
    async def caller() -> None:
        run_sync(echo(1))

    with pytest.raises(RuntimeError, match="await the coroutine instead"):
        run_sync(caller())


def test_sync_code_that_the_loop_calls_is_told_as_well(persistent: PersistentLoop) -> None:
    async def caller() -> None:
        persistent.run(echo(1))

    with pytest.raises(RuntimeError, match="await the coroutine instead"):
        persistent.run(caller())


def test_a_thread_that_the_loop_started_may_call() -> None:
    async def caller() -> Any:
        return await asyncio.to_thread(run_sync, echo(1))

    assert run_sync(caller()) == 1


def test_context_variables_go_in_and_out() -> None:
    async def read_and_write() -> str:
        seen = word.get()
        word.set("written inside")
        return seen

    token = word.set("written outside")
    try:
        assert run_sync(read_and_write()) == "written outside"
        assert word.get() == "written inside"
    finally:
        word.reset(token)


@pytest.mark.parametrize("error", [ValueError("x"), KeyError("x"), asyncio.CancelledError(), FutureCancelled()])
def test_exceptions_come_out_as_they_are(error: BaseException) -> None:
    with pytest.raises(type(error)):
        run_sync(fail(error))


def test_an_exception_does_not_keep_what_the_coroutine_held() -> None:
    class Client:
        pass

    async def use() -> None:
        client = Client()
        alive.append(weakref.ref(client))
        raise ValueError("x")

    alive: list[weakref.ref[Client]] = []
    gc.collect()
    gc.disable()
    try:
        with pytest.raises(ValueError, match="x") as caught:
            run_sync(use())
        del caught
        run_sync(echo(1))  # the loop has gone on since, so that it holds nothing of the first call
        assert alive[0]() is None
    finally:
        gc.enable()


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt()])
def test_what_ends_the_loop_reaches_its_caller_and_the_next_call_works(error: BaseException) -> None:
    with pytest.raises(type(error)):
        run_sync(fail(error))
    assert run_sync(echo(1)) == 1


def test_what_ends_one_caller_leaves_the_others_alone(persistent: PersistentLoop) -> None:
    async def wait_for_the_end() -> str:
        waiting.set()
        await end.wait()
        return "undisturbed"

    async def leave() -> None:
        raise SystemExit(3)

    async def make_event() -> asyncio.Event:
        return asyncio.Event()

    waiting, end = threading.Event(), persistent.run(make_event())
    other = persistent.submit(wait_for_the_end())
    assert waiting.wait(PATIENCE)
    loop = persistent.run(here())
    with pytest.raises(SystemExit):
        persistent.submit(leave()).result(PATIENCE)
    loop.call_soon_threadsafe(end.set)
    assert other.result(PATIENCE) == "undisturbed"
    assert persistent.run(here()) is loop


@pytest.mark.parametrize("nonsense", [5, None, echo])
def test_what_is_no_coroutine_is_an_error_and_no_deadlock(nonsense: Any) -> None:
    with pytest.raises(TypeError, match="coroutine"):
        run_sync(nonsense)


def test_a_timeout_cancels_the_coroutine() -> None:
    async def wait_for_ever() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.append(True)

    cancelled: list[bool] = []
    with pytest.raises(asyncio.TimeoutError):
        run_sync(wait_for_ever(), timeout=0.01)
    assert cancelled == [True]


def test_to_sync_keeps_the_name_and_the_arguments() -> None:
    @to_sync
    async def add(first: int, *, second: int) -> int:
        """Adds."""
        return await echo(first) + second  # type: ignore[no-any-return]

    assert (add(1, second=2), add.__name__, add.__doc__) == (3, "add", "Adds.")


def test_shutdown_ends_what_runs_and_a_later_call_starts_again(persistent: PersistentLoop) -> None:
    async def wait_for_ever() -> None:
        try:
            started.set()
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            ended.append(True)

    started, ended = threading.Event(), list[bool]()
    loop = persistent.run(here())
    running = persistent.submit(wait_for_ever())
    assert started.wait(PATIENCE)
    persistent.shutdown()
    assert ended == [True]
    assert loop.is_closed()
    with pytest.raises((asyncio.CancelledError, FutureCancelled)):
        running.result(PATIENCE)
    persistent.shutdown()
    assert persistent.run(here()) is not loop


def test_shutdown_from_its_own_thread_is_an_error(persistent: PersistentLoop) -> None:
    async def caller() -> None:
        persistent.shutdown()

    with pytest.raises(RuntimeError, match="call it from another one"):
        persistent.run(caller())
    assert persistent.run(echo(1)) == 1


def test_calls_during_shutdowns_all_return(persistent: PersistentLoop) -> None:
    """A call comes before a shutdown and is answered or cancelled, or after it and starts a new loop; none waits."""

    def call(number: int) -> int | None:
        try:
            return persistent.submit(echo(number)).result(PATIENCE)  # type: ignore[no-any-return]
        except (asyncio.CancelledError, FutureCancelled):
            return None

    with ThreadPoolExecutor(4) as threads:
        answers = [threads.submit(call, number) for number in range(300)]
        for _ in range(20):
            persistent.shutdown()
        for number, answer in enumerate(answers):
            assert answer.result(PATIENCE) in (number, None)


def test_the_loop_is_the_one_that_the_factory_makes() -> None:
    made: list[asyncio.AbstractEventLoop] = []

    def factory() -> asyncio.AbstractEventLoop:
        made.append(asyncio.new_event_loop())
        return made[-1]

    persistent = PersistentLoop("a name", factory)

    async def where() -> tuple[object, str]:
        return asyncio.get_running_loop(), threading.current_thread().name

    assert persistent.run(where()) == (made[0], "a name")
    persistent.shutdown()


class Client:
    """Notes on which loop it was made and closed, and whether that one still ran."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.closed_on: asyncio.AbstractEventLoop | None = None

    async def close(self) -> None:
        await asyncio.sleep(0)
        assert not self.loop.is_closed()
        self.closed_on = asyncio.get_running_loop()


def test_loop_local_makes_one_a_loop_and_closes_it_there_before_the_loop() -> None:
    made: list[Client] = []

    def factory() -> Client:
        made.append(Client())
        return made[-1]

    local = LoopLocal(factory, Client.close)

    async def twice() -> None:
        assert await local.get() is await local.get()

    for _ in range(3):
        asyncio.run(twice())
    run_sync(twice())
    run_sync(twice())
    async_tools.shutdown()
    assert len(made) == 4
    assert [client.closed_on for client in made] == [client.loop for client in made]


def test_loop_local_makes_one_for_tasks_that_come_first_together() -> None:
    made: list[Client] = []

    def factory() -> Client:
        made.append(Client())
        return made[-1]

    async def together() -> None:
        local = LoopLocal(factory, Client.close)
        clients = await asyncio.gather(*(asyncio.create_task(local.get()) for _ in range(10)))
        assert set(clients) == set(made)

    asyncio.run(together())
    assert len(made) == 1


def test_a_factory_that_fails_may_be_tried_again() -> None:
    attempts = iter([ValueError("not yet"), None])

    def factory() -> Client:
        if error := next(attempts):
            raise error
        return Client()

    async def retry() -> None:
        local = LoopLocal(factory, Client.close)
        with pytest.raises(ValueError, match="not yet"):
            await local.get()
        assert await local.get() is await local.get()

    asyncio.run(retry())


IMPORTS = "import asyncio, gc, os, sys, threading\nfrom diagnostics.async_tools import *\n"


def program(text: str, *options: str) -> subprocess.Popen[str]:
    """Starts a program that sees this project and prints what it has to say."""
    return subprocess.Popen(
        [sys.executable, *options, "-c", IMPORTS + text],
        cwd=Path(__file__).parent.parent,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(process: subprocess.Popen[str]) -> tuple[str, str, int]:
    try:
        output, errors = process.communicate(timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        output, errors = process.communicate()
        pytest.fail(f"the program did not end; it printed {output!r} and {errors!r}")
    return output, errors, process.returncode


def test_ctrl_c_cancels_the_coroutine() -> None:
    text = """
async def wait():
    try:
        print("waiting", flush=True)
        await asyncio.Event().wait()
    finally:
        cancelled.set()
cancelled = threading.Event()
try:
    run_sync(wait())
except KeyboardInterrupt:
    print("interrupted", cancelled.wait(60), flush=True)
async def more():
    return "goes on"
print(run_sync(more()))
"""
    process = program(text)
    assert process.stdout is not None
    assert process.stdout.readline() == "waiting\n"
    process.send_signal(signal.SIGINT)
    assert ended(process) == ("interrupted True\ngoes on\n", "", 0)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
def test_both_sides_of_a_fork_go_on_each_with_a_loop_of_its_own() -> None:
    """The child collects what it inherited, which must not take the parent's loop out of their common selector."""
    text = """
async def name(): return "answer"
run_sync(name())
sys.stdout.flush()
child = os.fork()
if child == 0:
    print("child", run_sync(name()))
    gc.collect()
    shutdown()
    sys.stdout.flush()
    os._exit(0)
print("status", os.waitpid(child, 0)[1])
print("parent", run_sync(name()))
"""
    assert ended(program(text))[0].splitlines() == ["child answer", "status 0", "parent answer"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
def test_a_coroutine_on_the_loop_may_fork() -> None:
    text = """
async def name(): return "answer"
async def forks():
    child = os.fork()
    if child == 0:
        print("child", run_sync(name()), flush=True)
        os._exit(0)
    return os.waitpid(child, 0)[1]
print("status", run_sync(forks()))
"""
    assert ended(program(text))[0].splitlines() == ["child answer", "status 0"]


def test_a_program_ends_without_a_word_whatever_still_runs() -> None:
    text = """
class Client:
    async def close(self):
        await asyncio.sleep(0)
        print("closed")
local = LoopLocal(Client, Client.close)
async def generate():
    try:
        yield 1
    finally:
        await asyncio.sleep(0)
        print("finalised")
generator = generate()
async def use():
    await local.get()
    await generator.__anext__()
    await asyncio.to_thread(int)
    use.task = asyncio.create_task(asyncio.sleep(3600))
run_sync(use())
other = PersistentLoop("another")
nobody_waits = other.submit(asyncio.sleep(3600))
other.shutdown()
"""
    output, errors, status = ended(program(text, "-X", "dev", "-W", "error"))
    assert (sorted(output.split()), errors, status) == (["closed", "finalised"], "", 0)


def test_it_can_be_copied_out_alone(tmp_path: Path) -> None:
    copy = tmp_path / "copied.py"
    copy.write_text(Path(async_tools.__file__).read_text(encoding="utf-8"), encoding="utf-8")
    text = "import copied, asyncio; print(copied.run_sync(asyncio.sleep(0, 'answer')))"
    done = subprocess.run(
        [sys.executable, "-I", "-c", f"import sys; sys.path.insert(0, {str(tmp_path)!r}); {text}"],
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
    assert (done.stdout, done.stderr) == ("answer\n", "")
