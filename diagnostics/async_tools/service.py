"""One event loop in its thread, from start to end."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import functools
import os
import sys
import threading
from collections import deque
from collections.abc import Callable, Coroutine
from types import CodeType
from typing import Any

from diagnostics.async_tools import limits, state
from diagnostics.async_tools.finaliser import _finalise_generator, _Finaliser
from diagnostics.async_tools.guard import _forget_unmade


class _Pipe:
    """Is closed when the last thread that may write has let go: its number may be another file's a moment later."""

    def __init__(self) -> None:
        self.reader, self._writer = os.pipe()
        if sys.platform != "win32":
            os.set_blocking(self.reader, False)
            os.set_blocking(self._writer, False)

    def write(self) -> None:
        os.write(self._writer, b"\0")

    def __del__(self) -> None:
        for descriptor in vars(self).values():  # empty if no pipe could be opened
            os.close(descriptor)


class _Service:
    """One loop in its thread, from its beginning to its end.

    What other threads want done there they put into `inbox`. A pipe wakes the loop: one byte and one callback for all
    that has come, where `call_soon_threadsafe` takes a handle each, and a socket that is read until that fails.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, thread: threading.Thread) -> None:
        self.loop = loop
        self.thread = thread
        self.inbox: deque[Callable[[], object]] = deque()
        self.tasks: set[asyncio.Task[None]] = set()  # a loop itself knows its tasks only weakly
        self.awake = False
        self.stopping = False
        self.ended = False
        self._finaliser = _Finaliser(loop)
        self._steps: list[tuple[contextvars.Context, Callable[[], object]]] = []
        self._pipe: _Pipe | None = None
        self._wake: Callable[[], object] = functools.partial(loop.call_soon_threadsafe, self._take)
        if sys.platform != "win32":  # whose loops watch no pipe
            pipe = _Pipe()
            with contextlib.suppress(NotImplementedError):  # a loop that watches no descriptors: woken as on Windows
                loop.add_reader(pipe.reader, self._woken)
                self._pipe, self._wake = pipe, pipe.write

    def post(self, item: Callable[[], object]) -> bool:
        """Has something called on the loop's thread, in the order of posting.

        Without a lock, because a signal handler or a finaliser may call from the midst of a call: put it in, then look.
        `awake` and `ended` are set by the loop's thread alone, and it looks into the inbox after each change.

        Returns:
            Whether it is called: False where the loop has ended.
        """
        self.inbox.append(item)
        if not self.awake:
            try:  # noqa: SIM105 - suppress takes as long as all the rest
                self._wake()
            except (BlockingIOError, RuntimeError):
                pass  # full, so it will wake; or closed, which comes below
        if self.ended:
            try:
                self.inbox.remove(item)
            except ValueError:
                return True  # the last look has found it
            return False
        return True

    def _woken(self) -> None:
        assert self._pipe is not None
        try:  # noqa: SIM105 - as above
            os.read(self._pipe.reader, 64)
        except BlockingIOError:
            pass  # selectors may be wrong
        self._take()

    def _take(self) -> None:
        if self.ended:
            return
        self.awake = True
        try:
            for _ in range(len(self.inbox)):
                self.inbox.popleft()()
        finally:
            if not self.inbox:
                self.awake = False
            if self.inbox:  # more has come: after the loop's other work
                self.loop.call_soon(self._take)

    def start(self, body: Coroutine[Any, Any, None], context: contextvars.Context) -> asyncio.Task[None]:
        """Makes a task and takes its first step at once: going through the loop again is a third of a short call."""
        loop, plain = self.loop, self.loop.get_task_factory() is None
        if sys.version_info >= (3, 12):
            if plain:
                return asyncio.Task(body, loop=loop, context=context, eager_start=True)
            return loop.create_task(body, context=context)
        # Before 3.12 asyncio has no eager tasks, and these versions change no more: catch the step a task asks for.
        attributes = vars(loop)
        attributes["call_soon"] = self._catch
        try:
            if sys.version_info >= (3, 11) and plain:
                task = asyncio.Task(body, loop=loop, context=context)
            else:
                task = context.run(loop.create_task, body)
        finally:
            del attributes["call_soon"]  # the class has its own
        while self._steps:
            of_task, step = self._steps.pop(0)
            of_task.run(step)
        return task

    def _catch(
        self, step: Callable[..., object], *arguments: Any, context: contextvars.Context | None = None
    ) -> asyncio.Handle | None:
        if arguments or context is None:  # no step of the task, but of a finaliser that came in between
            return type(self.loop).call_soon(self.loop, step, *arguments, context=context)
        self._steps.append((context, step))
        return None

    def stop(self) -> None:
        self.stopping = True
        if not self.ended:
            self.loop.stop()

    def serve(self) -> None:
        """Runs the loop until `stop`, and ends it as `asyncio.run` does."""
        try:
            while not self.stopping:
                with contextlib.suppress(SystemExit, KeyboardInterrupt):  # of a task that is not awaited
                    self.loop.call_soon(self._finaliser.set_hooks)  # each run sets the loop's own
                    self.loop.run_forever()
        finally:
            self.ended = True
            self.loop.call_soon(self._last_look)
            endings = [self._end_tasks, self._finaliser.end_all, self.loop.shutdown_asyncgens]
            # At exit the threads of every executor have been joined already, and none can be started.
            if not state._exiting:
                endings.append(self.loop.shutdown_default_executor)
            try:
                for ending in endings:
                    self._complete(self.loop.create_task(ending()))
            finally:
                self.close()

    def _complete(self, ending: asyncio.Task[None]) -> None:
        while not ending.done():
            try:
                self.loop.run_until_complete(ending)
            except (SystemExit, KeyboardInterrupt):  # noqa: PERF203 - of a task that ended so: the others are there
                pass
            except RuntimeError:  # somebody's cleanup has stopped the loop
                if ending.done() or self.loop.is_closed():
                    raise

    def _last_look(self) -> None:
        while self.inbox:
            try:
                item = self.inbox.popleft()
            except IndexError:
                break  # who posted it has taken it back, which is done in any thread
            item()

    async def _end_tasks(self) -> None:
        this = asyncio.current_task()
        while tasks := self._open_tasks() - {this}:
            # The finalisers of dropped async generators may come to their end, as those of the others will.
            finalising = {task for task in tasks if _code(task) is _finalise_generator.__code__}
            others = tasks - finalising
            if not others:
                _, others = await asyncio.wait(finalising, timeout=limits.INTERRUPT_GRACE)
            for task in others:
                task.cancel()
            if others:
                await asyncio.wait(others)

    def _open_tasks(self) -> set[asyncio.Task[Any]]:
        # asyncio keeps the tasks of all threads in one set, and may miss one as that is changed: a call must not be.
        return asyncio.all_tasks() | {task for task in self.tasks if not task.done()}

    def close(self) -> None:
        if self._pipe is not None:
            self.loop.remove_reader(self._pipe.reader)
            self._pipe, self._wake = None, bool  # which does nothing
        _forget_unmade(self.loop)
        self.loop.close()


def _code(task: asyncio.Task[Any]) -> CodeType | None:
    return getattr(task.get_coro(), "cr_code", None)


def _serving(loop: asyncio.AbstractEventLoop) -> _Service:
    try:
        return _Service(loop, threading.current_thread())
    except BaseException:  # no descriptor is left, for one
        loop.close()
        raise
