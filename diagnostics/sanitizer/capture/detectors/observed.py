"""Classes of libraries without a detector, from `model.libraries`: where their objects are made, open and close.

Connections that are not transports of asyncio, but of threads or of I/O in C, are recorded here. One that works on any
loop is left open only if nobody ever closes it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import Any, Final

from diagnostics.model.libraries import LIBRARIES, Observed
from diagnostics.sanitizer.capture.connections import MARK
from diagnostics.sanitizer.capture.facts import LoopRecord
from diagnostics.sanitizer.capture.gc_neutral import gc_neutral
from diagnostics.sanitizer.capture.holders import attributes_of
from diagnostics.sanitizer.capture.openers import note_made, opener, referred
from diagnostics.sanitizer.capture.patching import Patch, before, built
from diagnostics.sanitizer.capture.recorded_connections import closes, recorded
from diagnostics.sanitizer.capture.sites import capture
from diagnostics.sanitizer.capture.tracker import TRACKER

_ROAMING_AT_MOST: Final = 64
"""How many more loops there are whenever those without connections are looked for."""


def made(thing: Any) -> None:
    """An object is made, whose connections are transports of asyncio."""
    note_made(thing, capture(sys._getframe(2)))


def opens(library: str, row: Observed) -> Callable[..., None]:
    """Returns an observer of the method that opens a connection."""

    @gc_neutral
    def observe(thing: Any, *_: Any, **__: Any) -> None:
        loop, frame = TRACKER.running(), sys._getframe(3)
        found = opener(frame, thing)
        known = attributes_of(thing).get(MARK)
        if loop is None or found is None or (known is not None and not known.closed):
            return
        if row is not _SERVER:
            TRACKER.elsewhere.add(library)
        found = found._replace(receivers=(referred(thing), *found.receivers), made=found.made or row.opens == "__new__")
        record = recorded(thing, loop, found, capture(frame))
        record.anywhere = row.anywhere
        if row.anywhere:
            _roams(loop)

    return observe


def _roams(loop: LoopRecord) -> None:
    """Records that a loop has a connection that works on any loop; forgets those that have none any more."""
    loops = TRACKER.roaming
    loops.add(loop)
    if len(loops) % _ROAMING_AT_MOST == 0:
        loops.difference_update([each for each in list(loops) if not each.connections and not each.dropped])


def ends(thing: Any) -> None:
    """A connection begins to close."""
    closes(getattr(thing, MARK, None), sys._getframe(2))


def _patches(library: str, row: Observed) -> Iterator[Patch]:
    build = built if row.opens == "__new__" else before
    yield Patch(row.module, row.name, row.opens, build(opens(library, row) if row.closes else made), optional=True)
    if row.closes:
        yield Patch(row.module, row.name, row.closes, before(ends), optional=True)


_SERVER = Observed("asyncio.base_events", "Server", "_start_serving", "close")
"""A listening socket, which has no transport."""

PATCHES = [
    *_patches("asyncio", _SERVER),
    *(patch for library in LIBRARIES.values() for row in library.observed for patch in _patches(library.module, row)),
]
