"""Call async code from sync code on one loop that stays open: `run_sync`, `to_sync`, `LoopLocal`.

One file, standard library only, Python 3.10 and newer: copy it into a project as it is. A pooled connection belongs to
the loop that opened it. `run_sync` gives every call of the process the same loop, and `LoopLocal` gives every loop its
own client and closes it there before the loop closes.
"""

from __future__ import annotations

import asyncio
import atexit
import contextvars
import functools
import os
import threading
import weakref
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from concurrent.futures import Future
from typing import Any, Generic, TypeVar

__all__ = ["LoopLocal", "PersistentLoop", "run_sync", "shutdown", "to_sync"]

T = TypeVar("T")


class PersistentLoop:
    """A loop in a daemon thread, started on first use, that any thread can run coroutines on.

    Args:
        name: of the thread.
        loop_factory: makes the loop; `uvloop.new_event_loop`, for one.
    """

    def __init__(
        self,
        name: str = "persistent-event-loop",
        loop_factory: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop,
    ) -> None:
        self._name = name
        self._loop_factory = loop_factory
        self._reset()

    def _reset(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._pid = os.getpid()

    def _started(self) -> asyncio.AbstractEventLoop:
        if self._pid != os.getpid():
            # A forked child has the parent's loop but not its thread: nothing would ever run there.
            self._reset()
        with self._lock:
            if self._loop is None:
                self._loop = self._loop_factory()
                self._thread = threading.Thread(target=self._serve, args=(self._loop,), name=self._name, daemon=True)
                self._thread.start()
            return self._loop

    @staticmethod
    def _serve(loop: asyncio.AbstractEventLoop) -> None:
        asyncio.set_event_loop(loop)
        try:
            loop.run_forever()
        finally:
            try:
                _cancel_all(loop)
                loop.run_until_complete(loop.shutdown_asyncgens())
                loop.run_until_complete(loop.shutdown_default_executor())
            finally:
                asyncio.set_event_loop(None)
                loop.close()

    def submit(self, coroutine: Coroutine[Any, Any, T]) -> Future[T]:
        """Starts a coroutine on the loop, with a copy of the caller's context variables."""
        loop = self._started()
        result: Future[T] = Future()
        context = contextvars.copy_context()

        def start() -> None:
            task = context.run(loop.create_task, coroutine)
            result.add_done_callback(lambda _: loop.call_soon_threadsafe(task.cancel) if result.cancelled() else None)
            task.add_done_callback(functools.partial(_hand_over, result))

        loop.call_soon_threadsafe(start)
        return result

    def run(self, coroutine: Coroutine[Any, Any, T], timeout: float | None = None) -> T:
        """Runs a coroutine on the loop and blocks until it has finished.

        Args:
            timeout: seconds; the coroutine is cancelled when they are over.

        Raises:
            RuntimeError: called from the loop's own thread, where waiting would block the loop for ever.
            TimeoutError: the time was over (`asyncio.TimeoutError` before Python 3.11).
        """
        if threading.current_thread() is self._thread and self._pid == os.getpid():
            coroutine.close()
            raise RuntimeError("run_sync was called on the persistent loop's own thread: await the coroutine instead")
        if timeout is not None:
            coroutine = asyncio.wait_for(coroutine, timeout)
        result = self.submit(coroutine)
        try:
            return result.result()
        except BaseException:
            # Ctrl-C, above all: the coroutine must not go on without anybody waiting for it.
            result.cancel()
            raise

    def shutdown(self) -> None:
        """Cancels what still runs, finalises async generators, and closes the loop. A later call starts a new one."""
        if self._pid != os.getpid():
            return
        with self._lock:
            loop, thread = self._loop, self._thread
            self._loop = self._thread = None
        if loop is not None and thread is not None and thread.is_alive():
            loop.call_soon_threadsafe(loop.stop)
            thread.join()


def _hand_over(result: Future[T], task: asyncio.Task[T]) -> None:
    if not result.set_running_or_notify_cancel():
        if not task.cancelled():
            task.exception()  # retrieved: its caller has left
        return
    if task.cancelled():
        result.set_exception(asyncio.CancelledError())
    elif (error := task.exception()) is not None:
        result.set_exception(error)
    else:
        result.set_result(task.result())


def _cancel_all(loop: asyncio.AbstractEventLoop) -> None:
    tasks = asyncio.all_tasks(loop)
    for task in tasks:
        task.cancel()
    if tasks:
        loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))


_DEFAULT = PersistentLoop()


def run_sync(coroutine: Coroutine[Any, Any, T], timeout: float | None = None) -> T | Awaitable[T]:
    """Runs a coroutine on the process's one persistent loop.

    Returns:
        The result; or, where the caller is inside another running loop, an awaitable of it. The coroutine runs on the
        persistent loop in both cases, so a shared client never changes its loop.

    Raises:
        RuntimeError: called from code that runs on the persistent loop itself.
    """
    try:
        running = asyncio.get_running_loop()
    except RuntimeError:
        return _DEFAULT.run(coroutine, timeout)
    if running is _DEFAULT._loop:
        return _DEFAULT.run(coroutine, timeout)
    return asyncio.wrap_future(_DEFAULT.submit(coroutine))


def to_sync(function: Callable[..., Coroutine[Any, Any, T]]) -> Callable[..., T | Awaitable[T]]:
    """Makes a coroutine function callable from sync code, by `run_sync`."""

    @functools.wraps(function)
    def call(*arguments: Any, **keywords: Any) -> T | Awaitable[T]:
        return run_sync(function(*arguments, **keywords))

    return call


def shutdown() -> None:
    """Ends the process's persistent loop; runs by itself at exit."""
    _DEFAULT.shutdown()


atexit.register(shutdown)


class LoopLocal(Generic[T]):
    """One object for each event loop, made on first use there and closed on its own loop before that loop closes.

    The closing rides on an async generator: `asyncio.run`, `asyncio.Runner` and `PersistentLoop` all finalise the
    generators of a loop (`loop.shutdown_asyncgens`) while it still runs.

    Args:
        factory: makes the object; called inside the running loop.
        close: closes it; called on the same loop.
    """

    def __init__(self, factory: Callable[[], T], close: Callable[[T], Awaitable[object]]) -> None:
        self._factory = factory
        self._close = close
        self._guards: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, tuple[T, AsyncGenerator[T, None]]]
        self._guards = weakref.WeakKeyDictionary()
        self._lock = threading.Lock()

    async def get(self) -> T:
        """The running loop's object."""
        loop = asyncio.get_running_loop()
        with self._lock:
            known = self._guards.get(loop)
        if known is not None:
            return known[0]
        guard = self._guard(loop)
        value = await guard.__anext__()
        with self._lock:
            self._guards[loop] = (value, guard)
        return value

    async def _guard(self, loop: asyncio.AbstractEventLoop) -> AsyncGenerator[T, None]:
        value = self._factory()
        try:
            yield value
        finally:
            with self._lock:
                self._guards.pop(loop, None)
            await self._close(value)
