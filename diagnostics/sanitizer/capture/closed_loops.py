"""A closed loop, and the transports it leaves, tell who touches them.

Both get another class with the same name when the loop has closed: healthy loops and connections pay nothing. What is
added are descriptors that look at the caller and hand out what was there, so no frame of ours is in the traceback of
the error that follows.
"""

from __future__ import annotations

import asyncio.base_events
import asyncio.selector_events
import sys
from types import CodeType
from typing import Any

from diagnostics.sanitizer.capture.recorder import FINALISER, RECORDER, record_of
from diagnostics.sanitizer.capture.sites import Stack, capture, frames

_CLOSING = ("abort", "close", "_force_close")
_USING = ("write", "writelines", "write_eof", "resume_reading")

_haunted: dict[type, type] = {}


def haunt(loop: Any) -> None:
    """Swaps the classes of a closed loop and of its open transports."""
    for transport in list(getattr(loop, "_transports", {}).values()):
        if getattr(transport, "_sock", None) is not None and not transport.is_closing():
            _swap(transport, {name: _Method(name, closing=name in _CLOSING) for name in _CLOSING + _USING})
    if isinstance(loop, asyncio.base_events.BaseEventLoop):
        _swap(loop, {"_closed": _Closed()})


def _swap(thing: Any, descriptors: dict[str, Any]) -> None:
    cls = type(thing)
    if cls in _haunted.values():
        return
    other = _haunted.get(cls)
    if other is None:
        words = {"__module__": cls.__module__, "__qualname__": cls.__qualname__, "__doc__": cls.__doc__}
        usable = {name: each for name, each in descriptors.items() if name == "_closed" or hasattr(cls, name)}
        other = _haunted[cls] = type(cls.__name__, (cls,), {**words, **usable})
    thing.__class__ = other


class _Method:
    """A method of a transport whose loop is closed; looking it up is the touch."""

    def __init__(self, name: str, *, closing: bool) -> None:
        self._name = name
        self._closing = closing
        self._owner: type = object
        self._recorder = RECORDER

    def __set_name__(self, owner: type, name: str) -> None:
        self._owner = owner

    def __get__(self, transport: Any, owner: type) -> Any:
        method = getattr(super(self._owner, transport if transport is not None else owner), self._name)
        if transport is not None and self._recorder.on:
            try:
                self._tell(transport)
            except Exception as error:
                problems.append(f"transport.{self._name}: {type(error).__name__}: {error}")
        return method

    def _tell(self, transport: Any) -> None:
        if transport._sock is None or transport.is_closing():
            return
        stack = capture(sys._getframe(2))
        operation = f"transport.{self._name.lstrip('_')}"
        record = record_of(transport)
        if record is not None:
            RECORDER.touched(record, operation, closing=self._closing, stack=stack)
            return
        RECORDER.touched_loop(
            "cross-loop-close" if self._closing else "cross-loop-use",
            RECORDER.loop(transport._loop),
            operation,
            stack,
            once=(id(transport), self._closing),
            finaliser=FINALISER.get(),
            call=RECORDER.current_call(),
        )


class _Closed:
    """The `_closed` of a loop: whoever asks by way of `_check_closed` wants to use the loop.

    A loop may be finalised after this module's globals are gone, so what is needed then is the instance's own.
    """

    def __init__(self) -> None:
        self._recorder = RECORDER

    def __get__(self, loop: Any, owner: type) -> Any:
        if loop is None:
            return self
        if self._recorder.on:
            try:
                caller = sys._getframe(1)
                if caller.f_code is _check_closed():
                    _tell_of_loop(loop, capture(caller.f_back))
            except Exception as error:
                problems.append(f"loop: {type(error).__name__}: {error}")
        return loop.__dict__["_closed"]

    def __set__(self, loop: Any, value: Any) -> None:
        loop.__dict__["_closed"] = value


def _tell_of_loop(loop: Any, stack: Stack) -> None:
    near = [code for code, _ in frames(stack[:12])]
    if any(code in _transport_methods() for code in near):
        return  # the transport has told of it
    operation = f"loop.{near[0].co_name}" if near else "loop"
    if operation in ("loop._add_reader", "loop._add_writer"):
        operation = operation.replace("._", ".")
    record, call = RECORDER.loop(loop), RECORDER.current_call()
    RECORDER.touched_loop(
        "use-after-loop-close",
        record,
        operation,
        stack,
        once=(record.number, call.number if call else stack),
        finaliser=FINALISER.get(),
        client=call.client if call else None,
        call=call,
    )


def _check_closed() -> CodeType:
    return asyncio.base_events.BaseEventLoop._check_closed.__code__  # type: ignore[attr-defined,no-any-return]


def _transport_methods() -> frozenset[CodeType]:
    global _codes  # noqa: PLW0603 - worked out once, at the first touch
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
problems: list[str] = []
