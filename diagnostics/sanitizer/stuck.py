"""Calls that have not returned, and what each waits for; asked when the time is up."""

from __future__ import annotations

from typing import Any

from diagnostics.sanitizer.facts import CallRecord, Fact
from diagnostics.sanitizer.recorder import RECORDER, record_of

_DEEP = 100


def stuck_calls() -> list[Fact]:
    """A fact for each call that is in flight.

    An error where it waits for a slot of a pool whose connections belong to loops that are closed, or is on a loop that
    is closed itself: nothing will ever wake it. A note where that cannot be told.
    """
    return [fact for call in list(RECORDER.active_calls.values()) if (fact := _fact(call)) is not None]


def _fact(call: CallRecord) -> Fact | None:
    if not call.active:
        return None
    chain = awaiting(call.coroutine() if call.coroutine else None)
    stack = tuple(part for code, line in chain for part in (code, line))
    names = [code.co_name for code, _ in chain]
    severity, waits = (
        "note",
        f"{names[0]}, and it cannot be told whether anything will end that" if names else "something",
    )
    if call.loop is not None and call.loop.closed is not None:
        severity, waits = "error", "its own loop, which is closed"
    elif "wait_for_connection" in names:
        total, dead = _slots(call)
        if total and dead:
            severity = "error"
            waits = f"a slot of its pool: {dead} of {total} are held by connections of loops that are closed"
        else:
            waits = "a slot of its pool"
    elif call.foreign is not None:
        severity, waits = "error", "an answer on a connection of another loop, which no code here will read"
    return Fact(
        "stuck-waiter",
        severity,
        loop=call.loop,
        client=call.client,
        call=call,
        current=call.loop,
        stack=stack,
        operation=names[0] if names else "",
        trigger="call",
        detail={"waits": waits},
    )


def awaiting(coroutine: Any) -> list[tuple[Any, int]]:
    """Code and line of a coroutine and of what it awaits, innermost first."""
    found: list[tuple[Any, int]] = []
    while coroutine is not None and len(found) < _DEEP:
        for prefix in ("cr", "ag", "gi"):
            frame = getattr(coroutine, f"{prefix}_frame", None)
            if frame is not None:
                found.append((frame.f_code, frame.f_lineno))
                following = getattr(coroutine, f"{prefix}_await", None)
                coroutine = following if following is not None else getattr(coroutine, f"{prefix}_yieldfrom", None)
                break
        else:
            break
    return found[::-1]


def _slots(call: CallRecord) -> tuple[int, int]:
    client = call.http.ref() if call.http is not None else None
    pool = getattr(getattr(client, "_transport", None), "_pool", None)
    connections = list(getattr(pool, "_connections", ()))
    dead = 0
    for outer in connections:
        inner = getattr(outer, "_connection", None)
        record = record_of(inner) if inner is not None else None
        dead += record is not None and record.loop.closed is not None
    return len(connections), dead
