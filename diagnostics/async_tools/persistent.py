"""`PersistentLoop`: starts a service on first use, and a new one after the last has ended.

No call takes a lock of this package, because a signal handler or a finaliser may call `run_sync` in the middle of
another call. `awake` and `ended` of a service are written by the loop's thread alone, which looks into the inbox
after each change: no call is lost, however a shutdown and a call meet.
"""

from __future__ import annotations

import _thread as threads
import asyncio
import contextlib
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from typing import Any, NoReturn

from diagnostics.async_tools import limits, state
from diagnostics.async_tools.call import _answer, _Call, _close
from diagnostics.async_tools.service import _Service, _serving
from diagnostics.async_tools.state import _MISSING, _PERSISTENT, T, _refuse_where_no_loop_can_run, _thread


class _LoopThread(threading.Thread):
    """Belongs to its loop before anything runs in it: the collector may, and finalisers would wait for that loop."""

    def __init__(self, serves: PersistentLoop, target: Callable[[], None], name: str) -> None:
        super().__init__(target=target, name=name, daemon=True)
        self._serves = serves

    def _bootstrap(self) -> None:
        _thread.serves = self._serves
        super()._bootstrap()  # type: ignore[misc]


class PersistentLoop:
    """A loop in a daemon thread, started on first use, that any thread can run coroutines on.

    `with PersistentLoop() as loop:` shuts it down at the end of the block; otherwise it ends with the interpreter.

    Args:
        name: of the thread.
        loop_factory: makes the loop, in that thread; `uvloop.new_event_loop`, for one.
    """

    # Set and taken away in one step each, because a finaliser or a signal handler may come at any time: see `_begin`.
    _service: _Service | None = None

    def __init__(
        self,
        name: str = "persistent-event-loop",
        loop_factory: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop,
    ) -> None:
        self._name = name
        self._loop_factory = loop_factory
        self._inherited: list[_Service] = []
        self._begin_anew()
        _PERSISTENT.add(self)

    def _begin_anew(self) -> None:
        self._lock = threading.RLock()  # for beginning and ending, also in the midst of either
        self._latest: _Service | None = None

    def _forget(self) -> _Service | None:
        service: _Service | None = vars(self).pop("_service", None)
        return service

    def _in_child(self) -> None:
        """After a fork: the child has its parent's loop but not its thread, so nothing would ever run there."""
        service = self._forget()
        if service is not None:
            # Kept for good: closing it, as the collector would, takes the parent's loop out of the selector they share.
            self._inherited.append(service)
        self._begin_anew()

    def __enter__(self) -> PersistentLoop:
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()

    def _begin(self) -> _Service:
        with self._lock:
            if self._service is not None:
                return self._service
            _refuse_where_no_loop_can_run()
            service = self._start()
            # A finaliser or a signal handler may have begun one in the midst of this: whichever is here first stays.
            first: _Service = vars(self).setdefault("_service", service)
            if first is not service:
                service.post(service.stop)
            self._latest = first
            return first

    def _start(self) -> _Service:
        """Starts a loop in a thread, from a thread of its own.

        Who makes a loop or starts a thread holds locks now and then that a new one needs, too. In the main thread, a
        signal handler may come in between and wait for a loop that could then never begin.
        """
        begun, outcome = threading.Lock(), list[_Service | BaseException | None]()
        begun.acquire()

        def tell(told: _Service | BaseException) -> None:
            outcome.append(told)
            begun.release()

        def serve() -> None:
            try:
                service = _serving(self._loop_factory())
            except BaseException as error:  # noqa: BLE001 - the caller raises it
                tell(error)
                return
            tell(service)
            if outcome[0] is service:
                service.serve()
            else:
                service.close()

        def start() -> None:
            _thread.serves = self
            try:
                _LoopThread(self, serve, self._name).start()
            except BaseException as error:  # noqa: BLE001 - as above
                tell(_no_thread(error))

        try:
            try:
                threads.start_new_thread(start, ())
            except RuntimeError as error:
                raise _no_thread(error) from error
            begun.acquire()
        except BaseException:  # Ctrl-C: the first of the two counts
            outcome.append(None)
            if isinstance(outcome[0], _Service):
                outcome[0].post(outcome[0].stop)
            raise
        if isinstance(outcome[0], _Service):
            return outcome[0]
        assert outcome[0] is not None
        raise outcome[0]

    def _send(self, call: _Call[Any]) -> None:
        try:
            while True:
                call.service = service = self._service or self._begin()
                if service.post(call.start):
                    return
                call.service = None
                with self._lock:
                    if self._service is service:
                        self._forget()
        except BaseException:  # no loop can run, or Ctrl-C before there was one
            if call.service is None:
                _close(call.awaitable)
            raise

    def _refuse_own_thread(self, awaitable: object) -> NoReturn:
        _close(awaitable)
        raise RuntimeError(
            "a blocking call on the persistent loop's own thread would wait for itself: await the coroutine instead"
        )

    def submit(self, awaitable: Awaitable[T]) -> Future[T]:
        """Starts a coroutine on the loop, with a copy of the caller's context variables.

        Returns:
            Its future; cancelling that cancels the coroutine.
        """
        result: Future[T] = Future()

        def settled() -> None:
            error, call.error = call.error, None
            if not result.set_running_or_notify_cancel():
                return
            if error is not None:
                result.set_exception(error)
            else:
                result.set_result(call.outcome())

        call = _Call(awaitable, None, settled)
        self._send(call)
        result.add_done_callback(lambda done: call.cancel() if done.cancelled() else None)
        return result

    def run(self, awaitable: Awaitable[T], timeout: float | None = None) -> T:
        """Runs a coroutine on the loop and blocks until it has ended.

        Args:
            awaitable: the coroutine, or whatever else can be awaited on that loop.
            timeout: seconds after which the coroutine is cancelled; its cleanup may take longer.

        Raises:
            RuntimeError: called from the loop's own thread, or where no loop can run any more.
            TimeoutError: the time was over (it is an `asyncio.TimeoutError` as well).
        """
        if _thread.serves is self:
            self._refuse_own_thread(awaitable)
        answered = threading.Lock()
        answered.acquire()
        call = _Call(awaitable, timeout, answered.release)
        try:
            self._send(call)
            if threading.get_ident() == state._main_thread:
                # In steps: a signal that comes just before a thread blocks does not wake it. One Ctrl-C could be lost.
                while not answered.acquire(True, limits.SIGNAL_CHECK):
                    pass
            else:
                answered.acquire()
        except BaseException as interruption:
            if call.service is not None and call.settled is not None:
                call.cancel()
                if answered.acquire(timeout=limits.INTERRUPT_GRACE):
                    error, call.error = call.error, None
                    if error is not None and not isinstance(error, asyncio.CancelledError):
                        interruption.__context__ = error
                    del error  # it holds this frame
            raise
        for variable, value in call.context.items():
            if variable.get(_MISSING) is not value:
                variable.set(value)
        return call.outcome()

    def _awaitable(self, awaitable: Awaitable[T], timeout: float | None) -> asyncio.Task[T]:
        """Runs a coroutine on the loop for code that runs on another one."""
        if _thread.serves is self:
            self._refuse_own_thread(awaitable)
        loop = asyncio.get_running_loop()
        answered: asyncio.Future[None] = loop.create_future()

        def settled() -> None:
            if not loop.is_closed():  # otherwise nothing waits there any more
                with contextlib.suppress(RuntimeError):  # closed in between
                    loop.call_soon_threadsafe(answered.set_result, None)

        call = _Call(awaitable, timeout, settled)
        self._send(call)
        task = loop.create_task(_answer(call, answered))
        task.add_done_callback(lambda done: call.cancel() if done.cancelled() else None)  # maybe before its first step
        return task

    def shutdown(self, timeout: float | None = None) -> None:
        """Cancels what still runs, finalises async generators, and closes the loop. A later call starts a new one.

        Args:
            timeout: seconds to wait for that; None for as long as it takes.

        Raises:
            RuntimeError: called from the loop's own thread, which cannot wait for itself.
        """
        if _thread.serves is self:
            raise RuntimeError("shutdown was called on the persistent loop's own thread: call it from another one")
        with self._lock:
            ending = self._forget()
            service = ending or self._latest  # another thread may be ending it
        if service is not None:
            service.post(service.stop)  # also where another one did: Ctrl-C may have come before it could
            service.thread.join(timeout)


def _no_thread(error: BaseException) -> RuntimeError:
    refused = RuntimeError("no thread can be started for the event loop (at exit, none can)")
    refused.__cause__ = error
    return refused
