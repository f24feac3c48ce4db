"""Transports that report who uses them outside their loop.

A transport gets a subclass with the same name, so that the others cost nothing: as its loop closes, or as a second loop
is made while its own is open, or in a child after a fork. The subclass adds descriptors that examine the caller and
return what was there before, so no frame of the sanitizer is in the traceback of the error that follows.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterable
from opcode import opmap
from types import CodeType, FrameType
from typing import Any, Final

from diagnostics.sanitizer.capture.connections import record_of
from diagnostics.sanitizer.capture.facts import ConnectionRecord, Fact, LoopRecord
from diagnostics.sanitizer.capture.running import running_loop
from diagnostics.sanitizer.capture.sites import capture
from diagnostics.sanitizer.capture.tracker import FINALIZER, TRACKER

_CLOSING: Final = ("abort", "close", "_force_close")
_USING: Final = ("write", "writelines", "write_eof", "resume_reading", "sendto")

_instrumented: dict[type, type] = {}


def instrument(transports: Iterable[Any]) -> None:
    """Replaces the classes of the transports that are open."""
    for transport in transports:
        if is_open(transport):
            watch(transport)


def watch(transport: Any) -> None:
    """Replaces the class of a transport."""
    swap(transport, _methods)


def _methods() -> dict[str, Any]:
    return {name: _Method(name, closing=name in _CLOSING) for name in _CLOSING + _USING}


def instrument_open_loops(loops: Iterable[LoopRecord]) -> None:
    """Does that for what servers accept, and libraries other than those of HTTP open, on loops that are open."""
    for loop in loops:
        for record in list(loop.connections.values()):
            if record.opener is not None and record.transport is not None:
                instrument([record.transport()])
        instrument(filter(is_accepted, list(getattr(loop.ref(), "_transports", {}).values())))


def swap(thing: Any, descriptors: Callable[[], dict[str, Any]]) -> None:
    """Gives an object a subclass with these descriptors, which are made for the first object of a class."""
    cls = type(thing)
    other = _instrumented.get(cls)
    if other is None:
        if cls in _instrumented.values():
            return
        words = {"__module__": cls.__module__, "__qualname__": cls.__qualname__, "__doc__": cls.__doc__}
        usable = {name: each for name, each in descriptors().items() if name == "_closed" or hasattr(cls, name)}
        other = _instrumented[cls] = type(cls.__name__, (cls,), {**words, **usable})
    thing.__class__ = other


def is_open(transport: Any) -> bool:
    """Returns whether a transport is there and nobody has begun to close it."""
    return transport is not None and getattr(transport, "_sock", transport) is not None and not transport.is_closing()


def is_accepted(transport: Any) -> bool:
    """Returns whether a server of asyncio has accepted the connection."""
    return getattr(transport, "_server", None) is not None


class _Method:
    """A method of a transport; looking it up outside the loop of that is the foreign access."""

    def __init__(self, name: str, *, closing: bool) -> None:
        self._name = name
        self._closing = closing
        self._owner: type = object
        self._tracker = TRACKER

    def __set_name__(self, owner: type, name: str) -> None:
        self._owner = owner

    def __get__(self, transport: Any, owner: type) -> Any:
        method = getattr(super(self._owner, transport if transport is not None else owner), self._name)
        foreign = transport is not None and (self._tracker.generation or transport._loop is not running_loop())
        if foreign and self._tracker.on:
            try:
                if not (_in_other_thread(transport._loop) and only_loads(sys._getframe(1))):
                    self._report(transport)
            except Exception as error:
                self._tracker.problems.add(f"transport.{self._name}", error)
        return method

    def _report(self, transport: Any) -> None:
        if not is_open(transport):
            return
        record, loop = record_of(transport), transport._loop
        parents = record is not None and record.generation != TRACKER.generation
        in_thread = not self._closing and _in_other_thread(loop)
        if record is None:
            if not (loop.is_closed() or (in_thread and is_accepted(transport))):
                return
        elif not (loop.is_closed() or parents) and (record.opener is None or not _is_foreign(loop)):
            return
        stack = capture(sys._getframe(2))
        operation = f"transport.{self._name.lstrip('_')}"
        if record is not None and parents:
            if record.opener is not None and not self._closing:
                inherited(record, stack, operation)
            return
        if record is not None:
            detail: dict[str, Any] = {"thread": True} if in_thread and running_loop() is None else {}
            TRACKER.foreign_connection(record, operation, closing=self._closing, stack=stack, **detail)
            return
        detail = {"what": "a connection that a server accepted", "thread": True} if in_thread else {}
        TRACKER.foreign_access(
            "cross-loop-close" if self._closing else "cross-loop-use",
            TRACKER.loop(loop),
            operation,
            stack,
            once=(id(transport), self._closing),
            finalizer=FINALIZER.get(),
            call=TRACKER.current_call(),
            **detail,
        )


def only_loads(frame: FrameType) -> bool:
    """Returns whether a frame looks up a method as a value, as for `call_soon_threadsafe`, rather than calls it."""
    at, code = frame.f_lasti, frame.f_code.co_code
    # From Python 3.12, `LOAD_ATTR` also looks up what is called next, and its lowest bit says so.
    return code[at] == opmap["LOAD_ATTR"] and not (sys.version_info >= (3, 12) and code[at + 1] & 1)


def _is_foreign(loop: Any) -> bool:
    """Returns whether another loop runs here, or the open loop of a transport runs in another thread."""
    running = running_loop()
    return running is not loop and (running is not None or _in_other_thread(loop))


def _in_other_thread(loop: Any) -> bool:
    """Returns whether another thread than this one runs a loop."""
    return getattr(loop, "_thread_id", None) not in (None, threading.get_ident())


def inherited(record: ConnectionRecord, stack: Any, operation: str) -> None:
    """A connection that was opened before a fork is used in the child."""
    TRACKER.report(
        Fact(
            "inherited-connection",
            "error",
            loop=record.loop,
            client=record.client,
            connection=record,
            current=TRACKER.running(),
            stack=stack,
            operation=operation,
            trigger="call",
        )
    )
    record.generation = TRACKER.generation  # report it once


def transport_methods() -> frozenset[CodeType]:
    """Returns the methods of asyncio's transports of sockets."""
    global _codes  # noqa: PLW0603 - computed once, at the first access
    if _codes is None:
        _codes = frozenset(
            member.__code__
            for cls in vars(sys.modules["asyncio.selector_events"]).values()
            if isinstance(cls, type) and "Transport" in cls.__name__
            for member in vars(cls).values()
            if hasattr(member, "__code__")
        )
    return _codes


_codes: frozenset[CodeType] | None = None
