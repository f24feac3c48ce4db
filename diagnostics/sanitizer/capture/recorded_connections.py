"""Records of connections that no detector knows the client of: each lasts as long as the object it stands for."""

from __future__ import annotations

import weakref
from typing import Any, Final

from diagnostics.sanitizer.capture.connections import MARK, dropped
from diagnostics.sanitizer.capture.facts import ConnectionRecord, LoopRecord
from diagnostics.sanitizer.capture.openers import Opener
from diagnostics.sanitizer.capture.sites import Stack
from diagnostics.sanitizer.capture.tracker import TRACKER

_NEAR: Final = 8
_COROUTINE: Final = 0x80  # inspect.CO_COROUTINE


class _Reference(weakref.ref[Any]):
    """A reference to what a record stands for; without a closure, of which the collector would count four objects."""

    __slots__ = ("record",)
    record: ConnectionRecord | None


def recorded(thing: Any, owner: LoopRecord, found: Opener, stack: Stack) -> ConnectionRecord:
    """Makes the record of a connection and attaches it to the object that stands for it."""
    record = ConnectionRecord(owner, None, "", stack)
    record.generation = TRACKER.generation
    record.opener = found
    record.ref = reference = _Reference(thing, _gone)
    reference.record = record
    setattr(thing, MARK, record)
    owner.connections[record.number] = record
    return record


def _gone(reference: Any) -> None:
    record, reference.record = reference.record, None
    was_open = record.loop.connections.pop(record.number, None) is not None and not record.closed
    if was_open and (record.loop.closed is None or record.anywhere):
        dropped(record)


def closes(record: ConnectionRecord | None, frame: Any) -> None:
    """A connection begins to close."""
    if record is None or record.opener is None or record.loop.connections.pop(record.number, None) is None:
        return
    record.closed = True
    if (record.loop.closed is None or record.anywhere) and _in_finalizer(frame):
        dropped(record)


def _in_finalizer(frame: Any) -> bool:
    """Returns whether a `__del__` closes it: not beyond a coroutine, which runs for itself."""
    for _ in range(_NEAR):
        if frame is None:
            return False
        code = frame.f_code  # an audit event, and most of the cost
        if code.co_flags & _COROUTINE:
            return False
        if code.co_name == "__del__":
            return True
        frame = frame.f_back
    return False
