"""Closed loops report who uses them; see `transport_use` for how."""

from __future__ import annotations

import sys
from types import FrameType
from typing import Any

from diagnostics.sanitizer.capture.owners import client_of_loop
from diagnostics.sanitizer.capture.sites import capture, frames
from diagnostics.sanitizer.capture.thread_use import release
from diagnostics.sanitizer.capture.tracker import FINALIZER, TRACKER
from diagnostics.sanitizer.capture.transport_use import instrument, swap, transport_methods


def instrument_closed_loop(loop: Any) -> None:
    """Replaces the classes of a closed loop and of its open transports."""
    transports, connections = getattr(loop, "_transports", None), TRACKER.loop(loop).connections
    if transports or connections:
        recorded = [each.transport() for each in list(connections.values()) if each.transport]
        instrument({id(each): each for each in [*(transports or {}).values(), *recorded]}.values())
    if TRACKER.threads:
        release(loop)
    if hasattr(loop, "_check_closed"):
        swap(loop, _descriptors)


def _descriptors() -> dict[str, Any]:
    return {"_closed": _Closed()}


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
                self._tracker.problems.add("loop", error)
        return loop.__dict__["_closed"]

    def __set__(self, loop: Any, value: Any) -> None:
        loop.__dict__["_closed"] = value


def _report_loop(loop: Any, frame: FrameType | None) -> None:
    stack = capture(frame)
    near = [code for code, _ in frames(stack[:12])]
    if any(code in transport_methods() for code in near):
        return  # the transport has reported it
    operation = f"loop.{near[0].co_name}" if near else "loop"
    if operation in ("loop._add_reader", "loop._add_writer"):
        operation = operation.replace("._", ".")
    record, call = TRACKER.loop(loop), TRACKER.current_call()
    # aiohttp asks its session's loop for things: what was kept over loops is the session.
    is_client_use = call is not None and call.client is not None
    client = call.client if call else client_of_loop(loop, frame, TRACKER.clients)
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
