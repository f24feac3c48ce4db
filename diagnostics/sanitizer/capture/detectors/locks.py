"""asyncio's own locks, events and queues: who waits for one on another loop than its own.

All of them call `_get_loop` before a task has to wait, and it raises on another loop; so do classes of some libraries.
The patch is a descriptor that acts when the method is looked up, so the traceback has no frame of the sanitizer.
"""

from __future__ import annotations

import sys
from types import FrameType
from typing import Any

from diagnostics.model.libraries import LIBRARIES
from diagnostics.sanitizer.capture.holders import receiver_of
from diagnostics.sanitizer.capture.openers import written
from diagnostics.sanitizer.capture.patching import Patch
from diagnostics.sanitizer.capture.running import running_loop
from diagnostics.sanitizer.capture.sites import capture
from diagnostics.sanitizer.capture.tracker import TRACKER


class _GetLoop:
    """`_get_loop` of asyncio's locks; looking it up on another loop is the foreign access."""

    def __init__(self, original: Any, patch: Patch) -> None:
        self._original = original
        self._patch = patch

    def __get__(self, lock: Any, owner: type | None = None) -> Any:
        if lock is not None and lock._loop is not None and self._patch.on and running_loop() is not lock._loop:
            try:
                waited(lock, sys._getframe(1))
            except Exception as error:
                self._patch.fail(error)
        return self._original.__get__(lock, owner)


def waited(lock: Any, frame: FrameType) -> None:
    """A task waits for a lock of another loop."""
    if running_loop() is None:
        return
    loop, call = TRACKER.loop(lock._loop), TRACKER.current_call()
    if call is not None and call.foreign is not None and call.foreign[1].loop is loop:
        return  # the event belongs to the connection, which was reported
    stack = capture(frame)
    lock, method = _outermost(lock, frame)
    name = type(lock).__name__
    TRACKER.foreign_access(
        "cross-loop-use",
        loop,
        f"{name}.{method}",
        stack,
        once=(loop.number, call.number if call else stack, "lock"),
        client=call.client if call else TRACKER.client_keeping(lock, loop, frame),
        call=call,
        what=f"an asyncio {name}" if type(lock).__module__.startswith("asyncio.") else f"a {written(type(lock))}",
    )


def _outermost(lock: Any, frame: FrameType) -> tuple[Any, str]:
    """Returns the lock whose method the program calls, and that method: a barrier waits for a condition of its own."""
    inner, method = lock, frame.f_code.co_name
    at: FrameType | None = frame
    while at is not None and at.f_globals.get("__name__") in _MODULES:
        receiver = receiver_of(at)
        if receiver is not inner and isinstance(receiver, type(lock).__mro__[-2]):
            lock, method = receiver, at.f_code.co_name
        at = at.f_back
    return lock, method


_MODULES = ("asyncio.locks", "asyncio.queues", "asyncio.mixins")

PATCHES = [
    Patch("asyncio.mixins", "_LoopBoundMixin", "_get_loop", _GetLoop),
    *(
        Patch(row.module, name, "_get_loop", _GetLoop, optional=True)
        for row in LIBRARIES.values()
        for name in row.bound
    ),
]
