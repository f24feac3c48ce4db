"""Closed loops and their open transports report who uses them.

When a loop has closed, it and its transports get a subclass with the same name, so open loops and connections cost
nothing. The subclass adds descriptors that examine the caller and return what was there before, so no frame of the
sanitizer is in the traceback of the error that follows.
"""

from __future__ import annotations

import asyncio.selector_events
import sys
from types import CodeType, FrameType
from typing import Any

from diagnostics.sanitizer.capture.connections import record_of
from diagnostics.sanitizer.capture.sites import capture, frames
from diagnostics.sanitizer.capture.tracker import FINALIZER, TRACKER

_CLOSING = ("abort", "close", "_force_close")
_USING = ("write", "writelines", "write_eof", "resume_reading")

_instrumented: dict[type, type] = {}


def instrument_closed_loop(loop: Any) -> None:
    """Replaces the classes of a closed loop and of its open transports."""
    recorded = [each.transport() for each in list(TRACKER.loop(loop).connections.values()) if each.transport]
    for transport in {id(each): each for each in [*getattr(loop, "_transports", {}).values(), *recorded]}.values():
        if _is_open(transport):
            _swap(transport, {name: _Method(name, closing=name in _CLOSING) for name in _CLOSING + _USING})
    if hasattr(loop, "_check_closed"):
        _swap(loop, {"_closed": _Closed()})


def _swap(thing: Any, descriptors: dict[str, Any]) -> None:
    cls = type(thing)
    if cls in _instrumented.values():
        return
    other = _instrumented.get(cls)
    if other is None:
        words = {"__module__": cls.__module__, "__qualname__": cls.__qualname__, "__doc__": cls.__doc__}
        usable = {name: each for name, each in descriptors.items() if name == "_closed" or hasattr(cls, name)}
        other = _instrumented[cls] = type(cls.__name__, (cls,), {**words, **usable})
    thing.__class__ = other


def _is_open(transport: Any) -> bool:
    return transport is not None and getattr(transport, "_sock", transport) is not None and not transport.is_closing()


class _Method:
    """A method of a transport whose loop is closed; looking it up is the foreign access."""

    def __init__(self, name: str, *, closing: bool) -> None:
        self._name = name
        self._closing = closing
        self._owner: type = object
        self._tracker = TRACKER

    def __set_name__(self, owner: type, name: str) -> None:
        self._owner = owner

    def __get__(self, transport: Any, owner: type) -> Any:
        method = getattr(super(self._owner, transport if transport is not None else owner), self._name)
        if transport is not None and self._tracker.on:
            try:
                self._report(transport)
            except Exception as error:
                TRACKER.problems.append(f"transport.{self._name}: {type(error).__name__}: {error}")
        return method

    def _report(self, transport: Any) -> None:
        if not _is_open(transport):
            return
        stack = capture(sys._getframe(2))
        operation = f"transport.{self._name.lstrip('_')}"
        record = record_of(transport)
        if record is not None:
            TRACKER.foreign_connection(record, operation, closing=self._closing, stack=stack)
            return
        TRACKER.foreign_access(
            "cross-loop-close" if self._closing else "cross-loop-use",
            TRACKER.loop(transport._loop),
            operation,
            stack,
            once=(id(transport), self._closing),
            finalizer=FINALIZER.get(),
            call=TRACKER.current_call(),
        )


class _Closed:
    """The `_closed` of a loop: a caller of `_check_closed` is about to use the loop.

    A loop may be finalized when the globals of this module are gone, so the instance holds what is needed then.
    """

    def __init__(self) -> None:
        self._tracker = TRACKER

    def __get__(self, loop: Any, owner: type) -> Any:
        if loop is None:
            return self
        if self._tracker.on:
            try:
                caller = sys._getframe(1)
                if caller.f_code is owner._check_closed.__code__:  # type: ignore[attr-defined]
                    _report_loop(loop, caller.f_back)
            except Exception as error:
                TRACKER.problems.append(f"loop: {type(error).__name__}: {error}")
        return loop.__dict__["_closed"]

    def __set__(self, loop: Any, value: Any) -> None:
        loop.__dict__["_closed"] = value


def _report_loop(loop: Any, frame: FrameType | None) -> None:
    stack = capture(frame)
    near = [code for code, _ in frames(stack[:12])]
    if any(code in _transport_methods() for code in near):
        return  # the transport has reported it
    operation = f"loop.{near[0].co_name}" if near else "loop"
    if operation in ("loop._add_reader", "loop._add_writer"):
        operation = operation.replace("._", ".")
    record, call = TRACKER.loop(loop), TRACKER.current_call()
    # aiohttp asks its session's loop for things: what was kept over loops is the session.
    is_client_use = call is not None and call.client is not None
    client = call.client if call else TRACKER.client_of_loop(loop, frame)
    TRACKER.foreign_access(
        "cross-loop-use" if is_client_use else "use-after-loop-close",
        record,
        operation,
        stack,
        once=(record.number, call.number if call else stack),
        finalizer=FINALIZER.get(),
        client=client,
        call=call,
    )


def _transport_methods() -> frozenset[CodeType]:
    global _codes  # noqa: PLW0603 - computed once, at the first access
    if _codes is None:
        _codes = frozenset(
            member.__code__
            for cls in vars(asyncio.selector_events).values()
            if isinstance(cls, type) and "Transport" in cls.__name__
            for member in vars(cls).values()
            if hasattr(member, "__code__")
        )
    return _codes


_codes: frozenset[CodeType] | None = None
