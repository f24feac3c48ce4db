"""Loops: where they are made, where and by whom they are closed, and what they leave behind.

Patches the two ends of a loop's life only; nothing is added to `call_soon`.
"""

from __future__ import annotations

import sys
from typing import Any

from diagnostics.sanitizer.capture.patching import Patch, around, before
from diagnostics.sanitizer.capture.recorder import RECORDER
from diagnostics.sanitizer.capture.sites import capture


def made(loop: Any, *_: Any, **__: Any) -> None:
    """A loop is initialised."""
    RECORDER.loop(loop, capture(sys._getframe(2)))


def closing(loop: Any) -> Any:
    """Right before a loop closes: what is open on it is seen now or never."""
    if loop.is_closed() or loop.is_running():
        return None
    from diagnostics.sanitizer.capture.leaks import left_behind  # imports asyncio, as a closing loop has

    record = RECORDER.loop(loop)
    left_behind(loop, record, capture(sys._getframe(2)))
    return loop


def closed(loop: Any, _: Any) -> None:
    """A loop has closed: from here on it tells who touches it."""
    if loop is not None and loop.is_closed():
        from diagnostics.sanitizer.capture.closed_loops import haunt

        haunt(loop)
        if RECORDER.active_calls:  # of other loops, as a rule: they may wait for what this one has held
            from diagnostics.sanitizer.capture.pending import stuck_calls

            RECORDER.note(*stuck_calls(hanging=False))


PATCHES = [
    Patch("asyncio.base_events", "BaseEventLoop", "__init__", before(made)),
    Patch("asyncio.base_events", "BaseEventLoop", "close", around(closing, closed)),
    # uvloop is C beneath: a closed loop of its cannot tell who touches it, so only the ends are seen.
    Patch("uvloop", "Loop", "__init__", before(made), optional=True, inherited=True),
    Patch("uvloop", "Loop", "close", around(closing, lambda *_: None), optional=True, inherited=True),
]
