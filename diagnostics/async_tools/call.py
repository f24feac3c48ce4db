"""One awaitable on its way through a service.

A caller puts a call into the service's inbox and waits for a lock. The loop takes everything in the inbox in one
callback, makes a task with the caller's context and runs its first step at once. The task's wrapper releases the lock
in the step in which it ends, so a short call passes through the loop once instead of three times.
"""

from __future__ import annotations

import asyncio
import contextvars
import sys
from collections.abc import Awaitable, Callable
from typing import Generic

from diagnostics.async_tools.service import _Service
from diagnostics.async_tools.state import T

if sys.version_info >= (3, 11):
    _TimedOut = TimeoutError
else:

    class _TimedOut(asyncio.TimeoutError, TimeoutError):
        """Two classes before Python 3.11; catching either of them catches this."""


class _Call(Generic[T]):
    """One awaitable on its way: started and ended on the loop, waited for elsewhere.

    What starts, ends and stops it runs on the loop's thread, so that nothing has to be locked.

    Args:
        settled: called on the loop's thread, once, as soon as there is an outcome.
    """

    # Here and not in __init__: most calls need none of them.
    error: BaseException | None = None
    service: _Service | None = None
    task: asyncio.Task[None] | None = None
    timed_out = False
    timer: asyncio.TimerHandle | None = None

    def __init__(self, awaitable: Awaitable[T], timeout: float | None, settled: Callable[[], object]) -> None:
        if not hasattr(awaitable, "__await__") and not asyncio.iscoroutine(awaitable):
            raise TypeError(f"a coroutine is needed, not {awaitable!r}")
        self.awaitable: Awaitable[T] | None = awaitable
        self.context = contextvars.copy_context()
        self.settled: Callable[[], object] | None = settled
        self.timeout = timeout

    def start(self) -> None:
        service = self.service
        if self.settled is None or service is None:
            return  # given up before it came here
        body = self._body()
        try:
            task = service.start(body, self.context)
        except BaseException as error:  # noqa: BLE001 - its caller waits for an answer, whatever it is
            body.close()
            self._settle(error)
            return
        if self.settled is not None:
            self.task = task
            service.tasks.add(task)
            task.add_done_callback(self._ended)
            if self.timeout is not None:
                self.timer = service.loop.call_later(self.timeout, self._expire)

    def _ended(self, task: asyncio.Task[None]) -> None:
        if self.service is not None:
            self.service.tasks.discard(task)
        self._settle(asyncio.CancelledError())  # where it was cancelled before its body began

    async def _body(self) -> None:
        awaitable, self.awaitable = self.awaitable, None  # once it is awaited there is nothing to close
        assert awaitable is not None
        try:
            self.value = await awaitable
        except BaseException as error:  # noqa: BLE001 - SystemExit too: it ends its caller, not the loop
            self.context = contextvars.copy_context()
            self._settle(error)
        else:
            self.context = contextvars.copy_context()
            self._settle(None)

    def _settle(self, error: BaseException | None) -> None:
        settled, self.settled = self.settled, None
        if settled is None:
            return
        if self.timer is not None:
            self.timer.cancel()
        if error is not None:
            _close(self.awaitable)
            if self.timed_out and isinstance(error, asyncio.CancelledError):
                over = _TimedOut(f"the coroutine had not ended after {self.timeout} s and was cancelled")
                over.__cause__, error = error, over
            self.error = error
        settled()

    def _expire(self) -> None:
        self.timed_out = True
        self.stop()

    def stop(self) -> None:
        """Cancels it; comes after `start`, or there was none."""
        if self.task is not None:
            self.task.cancel()
        else:
            self._settle(asyncio.CancelledError())

    def cancel(self) -> None:
        """From any thread."""
        if self.service is not None:
            self.service.post(self.stop)

    def outcome(self) -> T:
        """The result, or raises; after it is settled."""
        if self.error is None:
            return self.value
        try:
            raise self.error
        finally:
            # The exception holds this frame: with the call in it, the two would keep each other until a collection.
            self.error = None


def _close(awaitable: object) -> None:
    """Closes a coroutine that will not run, which avoids the warning that it was never awaited."""
    if asyncio.iscoroutine(awaitable):
        awaitable.close()


async def _answer(call: _Call[T], answered: asyncio.Future[None]) -> T:
    try:
        await asyncio.shield(answered)
    except asyncio.CancelledError:
        call.cancel()
        await asyncio.shield(answered)  # its cleanup comes first; who cancels twice does not wait
        if isinstance(call.error, asyncio.CancelledError):
            call.error = None
        if call.error is None:
            raise
    return call.outcome()
