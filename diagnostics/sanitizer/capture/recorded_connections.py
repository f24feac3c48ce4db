"""Records of connections that no detector knows the client of: each lasts as long as the object it stands for."""

from __future__ import annotations

import weakref
from typing import Any, Final

from diagnostics.sanitizer.capture.connections import MARK, dropped, record_of
from diagnostics.sanitizer.capture.facts import ConnectionRecord, LoopRecord
from diagnostics.sanitizer.capture.openers import Opener
from diagnostics.sanitizer.capture.sites import Stack
from diagnostics.sanitizer.capture.tracker import TRACKER

_NEAR: Final = 8


def recorded(thing: Any, owner: LoopRecord, found: Opener, stack: Stack) -> ConnectionRecord:
    """Makes the record of a connection and attaches it to the object that stands for it."""
    record = ConnectionRecord(owner, None, "", stack)
    record.generation = TRACKER.generation
    record.opener = found

    def gone(_: Any) -> None:
        was_open = owner.connections.pop(record.number, None) is not None and not record.closed
        if was_open and (owner.closed is None or record.anywhere):
            dropped(record)

    record.ref = weakref.ref(thing, gone)
    setattr(thing, MARK, record)
    owner.connections[record.number] = record
    return record


def closes(thing: Any, frame: Any) -> None:
    """A connection begins to close."""
    record = record_of(thing)
    if record is None or record.opener is None or record.loop.connections.pop(record.number, None) is None:
        return
    record.closed = True
    if (record.loop.closed is None or record.anywhere) and _in_finalizer(frame):
        dropped(record)


def _in_finalizer(frame: Any) -> bool:
    for _ in range(_NEAR):
        if frame is None:
            return False
        if frame.f_code.co_name == "__del__":
            return True
        frame = frame.f_back
    return False
