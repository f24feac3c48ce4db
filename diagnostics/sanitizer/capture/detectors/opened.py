"""Connections that are not transports of asyncio: those of libraries with threads or with I/O in C.

`model.libraries` names the classes. A connection that works on any loop is left open only if nobody ever closes it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from diagnostics.model.libraries import LIBRARIES, Opened
from diagnostics.sanitizer.capture.connections import MARK
from diagnostics.sanitizer.capture.gc_neutral import gc_neutral
from diagnostics.sanitizer.capture.openers import opener, referred
from diagnostics.sanitizer.capture.patching import Patch, before
from diagnostics.sanitizer.capture.recorded_connections import closes, recorded
from diagnostics.sanitizer.capture.sites import capture
from diagnostics.sanitizer.capture.tracker import TRACKER


def opens(library: str, row: Opened) -> Callable[..., None]:
    """Returns an observer of the method that opens a connection."""

    @gc_neutral
    def observe(thing: Any, *_: Any, **__: Any) -> None:
        loop, frame = TRACKER.running(), sys._getframe(3)
        found = opener(frame, thing)
        if loop is None or found is None:
            return
        TRACKER.elsewhere.add(library)
        made = found.made or row.opens == "__init__"
        found = found._replace(receivers=(referred(thing), *found.receivers), made=made)
        record = recorded(thing, loop, found, capture(frame))
        record.anywhere = row.anywhere
        if row.anywhere:
            TRACKER.roaming.add(loop)

    return observe


def ends(thing: Any) -> None:
    """A connection begins to close."""
    if hasattr(thing, MARK):
        closes(thing, sys._getframe(2))


PATCHES = [
    patch
    for library in LIBRARIES.values()
    for row in library.opened
    for patch in (
        Patch(row.module, row.name, row.opens, before(opens(library.module, row)), optional=True),
        Patch(row.module, row.name, row.closes, before(ends), optional=True),
    )
]
