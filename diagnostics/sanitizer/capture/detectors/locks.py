"""asyncio's own locks, events and queues: whoever waits for one on another loop than it belongs to.

Every one of them asks `_get_loop` before it makes somebody wait, and that raises on another loop. What is patched is
the look-up of that method, so the traceback has no frame of ours.
"""

from __future__ import annotations

import sys
from typing import Any

from diagnostics.sanitizer.capture.patching import Patch
from diagnostics.sanitizer.capture.recorder import RECORDER, running_loop
from diagnostics.sanitizer.capture.sites import Stack, capture


class _GetLoop:
    """`_get_loop` of asyncio's locks; looking it up on another loop is the touch."""

    def __init__(self, original: Any, patch: Patch) -> None:
        self._original = original
        self._patch = patch

    def __get__(self, lock: Any, owner: type | None = None) -> Any:
        if lock is not None and lock._loop is not None and self._patch.on and running_loop() is not lock._loop:
            try:
                touched(lock, capture(sys._getframe(1)))
            except Exception as error:
                self._patch.fail(error)
        return self._original.__get__(lock, owner)


def touched(lock: Any, stack: Stack) -> None:
    """Somebody waits for a lock of another loop."""
    if running_loop() is None:
        return
    loop, call = RECORDER.loop(lock._loop), RECORDER.current_call()
    if call is not None and call.foreign is not None and call.foreign[1].loop is loop:
        return  # the event is the connection's, and that was told of
    name = type(lock).__name__
    RECORDER.touched_loop(
        "cross-loop-use",
        loop,
        f"{name}.{stack[0].co_name}",
        stack,
        once=(loop.number, call.number if call else stack, "lock"),
        client=call.client if call else None,
        call=call,
        what=f"an asyncio {name}",
    )


PATCHES = [Patch("asyncio.mixins", "_LoopBoundMixin", "_get_loop", _GetLoop)]
