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
from concurrent import futures
from concurrent.futures import Future
from typing import Any, Generic, TypeVar

__all__ = ["LoopLocal", "PersistentLoop", "run_sync", "shutdown", "to_sync"]

T = TypeVar("T")

SIGNAL_CHECK = 1.0
"""Seconds after which a waiting caller looks for signals that came while it was falling asleep."""


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
        self._inherited: list[asyncio.AbstractEventLoop] = []
        self._begin()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=functools.partial(_begin_again, weakref.ref(self)))

    def _begin(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    def _begin_again(self) -> None:
        """In a forked child: it has its parent's loop but not its thread, so nothing would ever run there."""
        if self._loop is not None:
            # Kept for good: closing it, as the collector would, takes the parent's loop out of the selector they share.
            self._inherited.append(self._loop)
        self._begin()

    def _started(self) -> asyncio.AbstractEventLoop:
        """The loop; called with the lock held."""
        if self._loop is None:
            self._loop = self._loop_factory()
            self._thread = threading.Thread(target=self._serve, args=(self._loop,), name=self._name, daemon=True)
            self._thread.start()
        return self._loop

    def _serve(self, loop: asyncio.AbstractEventLoop) -> None:
        asyncio.set_event_loop(loop)
        try:
            loop.run_forever()
        except (SystemExit, KeyboardInterrupt):
            pass  # raised by a coroutine, whose caller gets it; the next call starts a new loop
        finally:
            with self._lock:
                if self._loop is loop:
                    self._loop = None
            try:
                loop.run_until_complete(asyncio.sleep(0))  # what was submitted but has not begun becomes a task here
                _cancel_all(loop)
                loop.run_until_complete(loop.shutdown_asyncgens())
                loop.run_until_complete(loop.shutdown_default_executor())
            finally:
                asyncio.set_event_loop(None)
                loop.close()

    def submit(self, coroutine: Coroutine[Any, Any, T]) -> Future[T]:
        """Starts a coroutine on the loop, with a copy of the caller's context variables."""
        result: Future[T] = Future()
        self._send(coroutine, result)
        return result

    def _send(self, coroutine: Coroutine[Any, Any, T], result: Future[T]) -> None:
        context = contextvars.copy_context()
        # Under the lock, so that nothing is submitted to a loop that has begun to end: nobody would ever run it.
        with self._lock:
            loop = self._started()
            loop.call_soon_threadsafe(_start, loop, context, coroutine, result)

    def run(self, coroutine: Coroutine[Any, Any, T], timeout: float | None = None) -> T:
        """Runs a coroutine on the loop and blocks until it has finished.

        Args:
            timeout: seconds; the coroutine is cancelled when they are over.

        Raises:
            RuntimeError: called from the loop's own thread, where waiting would block the loop for ever.
            TimeoutError: the time was over (`asyncio.TimeoutError` before Python 3.11).
        """
        if threading.current_thread() is self._thread:
            coroutine.close()
            raise RuntimeError("run_sync was called on the persistent loop's own thread: await the coroutine instead")
        result: Future[T] = Future()
        try:
            self._send(_within(coroutine, timeout), result)
            return _wait(result)
        except BaseException:
            # Ctrl-C, above all, and that even before the sending has returned: the coroutine must not go on without
            # anybody waiting for it.
            result.cancel()
            raise
        finally:
            # An exception holds this frame: with the future in it, the two would keep each other until a collection.
            del result

    def shutdown(self) -> None:
        """Cancels what still runs, finalises async generators, and closes the loop. A later call starts a new one.

        Raises:
            RuntimeError: called from the loop's own thread, which cannot wait for itself.
        """
        if threading.current_thread() is self._thread:
            raise RuntimeError("shutdown was called on the persistent loop's own thread: call it from another one")
        with self._lock:
            loop, thread = self._loop, self._thread
            self._loop = None
            if loop is not None:
                loop.call_soon_threadsafe(loop.stop)
        if thread is not None:
            thread.join()


def _begin_again(reference: weakref.ref[PersistentLoop]) -> None:
    persistent = reference()
    if persistent is not None:
        persistent._begin_again()


def _wait(result: Future[T]) -> T:
    """The result, once it is there.

    In steps, because a signal that arrives just before a thread blocks does not wake it: one Ctrl-C could be lost.
    """
    try:
        while not futures.wait((result,), SIGNAL_CHECK).done:
            pass
        return result.result()
    finally:
        # An exception holds this frame: with the future in it, the two would keep each other until a collection.
        del result


def _within(coroutine: Coroutine[Any, Any, T], timeout: float | None) -> Coroutine[Any, Any, T]:
    return coroutine if timeout is None else asyncio.wait_for(coroutine, timeout)


def _start(
    loop: asyncio.AbstractEventLoop,
    context: contextvars.Context,
    coroutine: Coroutine[Any, Any, T],
    result: Future[T],
) -> None:
    try:
        task = context.run(loop.create_task, coroutine)
    except BaseException as error:  # noqa: BLE001 - no coroutine, say: its caller waits for an answer, whatever it is
        if result.set_running_or_notify_cancel():
            result.set_exception(error)
        return
    result.add_done_callback(lambda done: loop.call_soon_threadsafe(task.cancel) if done.cancelled() else None)
    task.add_done_callback(functools.partial(_hand_over, result))


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
    return asyncio.wrap_future(_DEFAULT.submit(_within(coroutine, timeout)))


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
