"""`PersistentLoop`: its own thread and loop, futures, and an end after which nothing is left."""

from __future__ import annotations

import asyncio
import gc
import os
import selectors
import sys
import threading
import weakref
from collections.abc import AsyncIterator
from concurrent.futures import CancelledError as FutureCancelled
from concurrent.futures import ThreadPoolExecutor

import pytest

from diagnostics.async_tools import PersistentLoop, limits
from tests.async_tools.parts import PATIENCE, ThreadEach, echo, fail, here


def test_the_loop_is_the_one_that_the_factory_makes() -> None:
    made: list[asyncio.AbstractEventLoop] = []

    def factory() -> asyncio.AbstractEventLoop:
        made.append(asyncio.new_event_loop())
        return made[-1]

    async def where() -> tuple[object, str]:
        return asyncio.get_running_loop(), threading.current_thread().name

    with PersistentLoop("a name", factory) as persistent:
        assert made == []
        assert persistent.run(where()) == (made[0], "a name")
    assert made[0].is_closed()


def test_a_factory_that_fails_is_the_callers_error_and_may_be_tried_again() -> None:
    attempts = iter([OSError("no more descriptors"), None])

    def factory() -> asyncio.AbstractEventLoop:
        if error := next(attempts):
            raise error
        return asyncio.new_event_loop()

    with PersistentLoop(loop_factory=factory) as persistent:
        with pytest.raises(OSError, match="no more descriptors"):
            persistent.run(echo(1))
        assert persistent.run(echo(1)) == 1


def test_a_loop_without_add_reader_is_woken_otherwise() -> None:
    """As Windows' proactor is."""

    class Proactor(asyncio.SelectorEventLoop):
        def add_reader(self, fd: object, callback: object, *args: object) -> None:
            raise NotImplementedError

        def remove_reader(self, fd: object) -> bool:
            raise NotImplementedError

        # What the base class itself needs for its own waking.
        def _make_self_pipe(self) -> None:
            self.add_reader = super().add_reader  # type: ignore[method-assign,assignment]
            super()._make_self_pipe()  # type: ignore[misc]
            del self.add_reader

        def _close_self_pipe(self) -> None:
            self.remove_reader = super().remove_reader  # type: ignore[method-assign,assignment]
            super()._close_self_pipe()  # type: ignore[misc]

    with PersistentLoop(loop_factory=Proactor) as persistent, ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(lambda number: persistent.run(echo(number)), range(100)))
    assert answers == list(range(100))


def test_an_idle_loop_sleeps_without_an_end() -> None:
    """No timer and no polling: once all is done it waits for what may come, and for nothing else."""

    class Selector(selectors.DefaultSelector):
        def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
            if timeout is None:
                asleep.set()
            return super().select(timeout)

    asleep = threading.Event()
    with PersistentLoop(loop_factory=lambda: asyncio.SelectorEventLoop(Selector())) as persistent:
        for _ in range(3):
            persistent.run(echo(1), timeout=PATIENCE)
            asleep.clear()
            persistent.run(echo(1))
            assert asleep.wait(PATIENCE)


def test_a_task_factory_of_the_loop_is_used() -> None:
    made: list[str] = []

    def task_factory(loop: asyncio.AbstractEventLoop, coroutine: object, **options: object) -> object:
        made.append("task")
        return asyncio.Task(coroutine, loop=loop, **options)  # type: ignore[arg-type]

    def factory() -> asyncio.AbstractEventLoop:
        loop = asyncio.new_event_loop()
        loop.set_task_factory(task_factory)  # type: ignore[arg-type]
        return loop

    with PersistentLoop(loop_factory=factory) as persistent:
        assert persistent.run(echo(1)) == 1
        assert made == ["task"]


def test_a_future_has_the_result_or_the_error(persistent: PersistentLoop) -> None:
    assert persistent.submit(echo(1)).result(PATIENCE) == 1
    error = ValueError("x")
    assert persistent.submit(fail(error)).exception(PATIENCE) is error


def test_cancelling_the_future_cancels_the_coroutine(persistent: PersistentLoop) -> None:
    async def wait_for_ever() -> None:
        try:
            started.set()
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    started, cancelled = threading.Event(), threading.Event()
    future = persistent.submit(wait_for_ever())
    assert started.wait(PATIENCE)
    assert future.cancel()
    assert cancelled.wait(PATIENCE)


def test_a_call_whose_future_is_dropped_goes_on(persistent: PersistentLoop) -> None:
    """Asyncio's loops know their tasks only weakly: a collection would take this one in the midst of its waiting."""

    async def wait() -> None:
        event = asyncio.Event()
        started.append((asyncio.get_running_loop(), weakref.ref(event)))
        begun.set()
        await event.wait()
        ended.set()

    started: list[tuple[asyncio.AbstractEventLoop, weakref.ref[asyncio.Event]]] = []
    begun, ended = threading.Event(), threading.Event()
    persistent.submit(wait())
    assert begun.wait(PATIENCE)
    gc.collect()
    ((loop, event),) = started
    let_through = event()
    assert let_through is not None
    loop.call_soon_threadsafe(let_through.set)
    assert ended.wait(PATIENCE)


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


def test_shutdown_ends_tasks_that_cleanups_start_and_those_that_exit(persistent: PersistentLoop) -> None:
    async def starts_another() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            tasks.append(asyncio.get_running_loop().create_task(asyncio.Event().wait()))

    async def exits() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            raise SystemExit(3)

    async def start() -> None:
        tasks.extend(asyncio.get_running_loop().create_task(what()) for what in (starts_another, exits, starts_another))
        await asyncio.sleep(0)

    tasks: list[asyncio.Task[object]] = []
    loop = persistent.run(here())
    persistent.run(start())
    persistent.shutdown()
    assert len(tasks) == 5
    assert all(task.done() for task in tasks)
    assert isinstance(tasks[1].exception(), SystemExit)
    assert loop.is_closed()


def test_shutdown_ends_a_call_that_asyncio_does_not_list(
    persistent: PersistentLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = persistent.submit(asyncio.sleep(PATIENCE))
    persistent.run(echo(1))  # it has begun
    monkeypatch.setattr(asyncio, "all_tasks", lambda _loop=None: set())
    persistent.shutdown()
    assert isinstance(ended.exception(0), asyncio.CancelledError)


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
            return persistent.submit(echo(number)).result(PATIENCE)
        except (asyncio.CancelledError, FutureCancelled):
            return None

    with ThreadPoolExecutor(4) as threads:
        answers = [threads.submit(call, number) for number in range(300)]
        for _ in range(20):
            persistent.shutdown()
        for number, answer in enumerate(answers):
            assert answer.result(PATIENCE) in (number, None)


def test_the_coroutine_may_stop_its_loop_and_nothing_happens(persistent: PersistentLoop) -> None:
    async def stop() -> int:
        asyncio.get_running_loop().stop()
        return await echo(1)

    loop = persistent.run(here())
    assert persistent.run(stop()) == 1
    assert persistent.run(here()) is loop


def test_shutdown_returns_where_the_cleanup_of_a_dropped_generator_never_ends(
    persistent: PersistentLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "INTERRUPT_GRACE", 0.01)
    at_it = threading.Event()

    async def numbers() -> AsyncIterator[int]:
        try:
            yield 1
        finally:
            at_it.set()
            await asyncio.Event().wait()

    async def leave_one() -> None:
        await anext(numbers())

    persistent.run(leave_one())
    assert at_it.wait(PATIENCE)
    ThreadEach().submit(persistent.shutdown).result(PATIENCE)


def test_shutdown_goes_on_where_a_cleanup_stops_the_loop(persistent: PersistentLoop) -> None:
    cleaned: list[str] = []

    async def stops() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            asyncio.get_running_loop().stop()

    async def cleans() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await echo(None)
            cleaned.append("after a step")

    calls = [persistent.submit(stops()), persistent.submit(cleans())]
    persistent.run(echo(None))
    ThreadEach().submit(persistent.shutdown).result(PATIENCE)
    assert [type(call.exception(PATIENCE)) for call in calls] == [asyncio.CancelledError] * 2
    assert cleaned == ["after a step"]


def test_who_exits_in_its_cleanup_does_not_cancel_the_others_twice(persistent: PersistentLoop) -> None:
    cleaned: list[str] = []

    async def exits() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            raise SystemExit(3)

    async def cleans() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            for _ in range(5):
                await asyncio.sleep(0)
            cleaned.append("after some steps")

    async def begin() -> list[asyncio.Task[None]]:
        tasks = [asyncio.create_task(cleans()), asyncio.create_task(exits())]
        await asyncio.sleep(0)
        return tasks

    tasks = persistent.run(begin())
    persistent.shutdown()
    assert cleaned == ["after some steps"]
    assert [task.done() for task in tasks] == [True, True]
    assert isinstance(tasks[1].exception(), SystemExit)


def test_shutdown_after_one_that_was_interrupted_before_it_could_say_so(persistent: PersistentLoop) -> None:
    persistent.run(echo(None))
    persistent._forget()  # Ctrl-C came just after that
    ThreadEach().submit(persistent.shutdown).result(PATIENCE)


@pytest.mark.skipif(sys.platform == "win32", reason="loops there are woken otherwise")
def test_without_a_descriptor_the_loop_that_was_made_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[asyncio.AbstractEventLoop] = []

    def factory() -> asyncio.AbstractEventLoop:
        made.append(asyncio.new_event_loop())
        return made[-1]

    def refuse() -> tuple[int, int]:
        raise OSError(24, "Too many open files")

    with PersistentLoop(loop_factory=factory) as persistent:
        with monkeypatch.context() as patched:
            patched.setattr(os, "pipe", refuse)
            with pytest.raises(OSError, match="Too many open files"):
                persistent.run(echo(1))
        assert [loop.is_closed() for loop in made] == [True]
        assert persistent.run(echo(1)) == 1
