"""Calls that have not returned, and what each waits for.

Calls are examined when something can be known about them: as a call begins to wait in a pool, when any loop closes, at
a signal and at the end. Nothing polls, and no idle loop is reported: a loop with nothing to do usually waits for the
network.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

from diagnostics.sanitizer.capture.facts import CallRecord, Fact
from diagnostics.sanitizer.capture.running import tasks_of
from diagnostics.sanitizer.capture.sites import Stack, capture
from diagnostics.sanitizer.capture.slots import Slots, slots_of
from diagnostics.sanitizer.capture.tracker import TRACKER

_DEEP = 100
_PRIMITIVE = ("wait", "acquire", "get", "sleep")
"""Coroutines of asyncio that every wait ends in."""


def stuck_calls(*, hanging: bool) -> list[Fact]:
    """Returns a fact for each call that is in flight and was not reported before.

    Args:
        hanging: whether the program ends while they wait. Then each call is a fact: an error if nothing can ever wake
            it, a note if that is unknown. Otherwise only calls that wait for a lost pool slot are facts.
    """
    found = (_fact(call, hanging=hanging) for call in list(TRACKER.active_calls.values()))
    return [fact for fact in found if fact is not None]


def waiting_for_slot(call: CallRecord, slots: Slots) -> Fact | None:
    """Returns a fact if a call begins to wait in a pool whose slots all belong to connections of closed loops."""
    return _stuck(call, "error", _lost(slots.dead, slots.total), capture(sys._getframe(2))) if slots.lost else None


def _fact(call: CallRecord, *, hanging: bool) -> Fact | None:
    if not call.active or call.stuck or _waits_for_another(call):
        return None
    coroutine = call()
    names = [code.co_name for code, _ in awaiting(coroutine)]
    in_pool = "wait_for_connection" in names
    slots = slots_of(call) if in_pool else None
    if slots is not None and slots.lost:
        return _stuck(call, "error", _lost(slots.dead, slots.total))
    if not hanging:
        return None
    if call.loop is not None and call.loop.closed is not None:
        return _stuck(call, "error", "its own loop, which is closed")
    if slots is not None:
        if slots.total and slots.idle:
            return _stuck(call, "error", "a pool slot: all are held by loops that are not running")
        return _stuck(call, "note", f"a pool slot: {slots.dead} of {slots.total} are held by closed loops")
    if call.foreign is not None:
        return _stuck(call, "error", "a response on a connection of another loop, which nothing reads")
    if getattr(coroutine, "cr_running", False) or not names:
        return _stuck(call, "note", "nothing: its own code was running")
    # The innermost function of a library says more than the `wait` of an event below it.
    what = next((name for name in names if name not in _PRIMITIVE), names[0])
    return _stuck(call, "note", f"{what}; whether anything will end that wait is unknown")


def _waits_for_another(call: CallRecord) -> bool:
    """Returns whether this call only waits for a call that was made inside it."""
    calls = list(TRACKER.active_calls.values())
    return any(each.outer is call and each.inside and each.active for each in calls)


def _lost(dead: int, total: int) -> str:
    return f"a pool slot: {dead} of {total} are held by connections of closed loops"


def _stuck(call: CallRecord, severity: str, waits: str, stack: Stack = ()) -> Fact:
    call.stuck = True
    stack = stack or tuple(part for code, at in _whole(call) for part in (code, at))
    return Fact(
        "stuck-waiter",
        severity,
        loop=call.loop,
        client=call.client,
        call=call,
        current=call.loop,
        stack=stack,
        operation=stack[0].co_name if stack else "",
        trigger="call",
        detail={"waits": waits},
    )


def _whole(call: CallRecord) -> list[tuple[Any, int]]:
    """Returns code and line of what a call awaits and, if its task can be found, of what awaits the call."""
    coroutine = call()
    loop = call.loop.ref() if call.loop is not None else None
    for task in tasks_of(loop) if loop is not None else ():
        found = list(chain(task.get_coro()))
        if any(each is coroutine for each, _ in found):
            return [line for _, line in reversed(found)]
    return awaiting(coroutine)


def awaiting(coroutine: Any) -> list[tuple[Any, int]]:
    """Returns code and line of a coroutine and of what it awaits, innermost first."""
    return [line for _, line in reversed(list(chain(coroutine)))]


def chain(coroutine: Any) -> Iterator[tuple[Any, tuple[Any, int]]]:
    """Yields a coroutine and what it awaits, outermost first, each with its code and line."""
    for _ in range(_DEEP):
        for prefix in ("cr", "ag", "gi"):
            frame = getattr(coroutine, f"{prefix}_frame", None)
            if frame is not None:
                yield coroutine, (frame.f_code, frame.f_lasti)
                following = getattr(coroutine, f"{prefix}_await", None)
                coroutine = following if following is not None else getattr(coroutine, f"{prefix}_yieldfrom", None)
                break
        else:
            return
