"""Facts that only follow from others, so that a mistake is reported once."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from diagnostics.sanitizer.capture.facts import SESSION_REQUEST, Fact
from diagnostics.sanitizer.capture.sites import belongs, file_of, line, users_frame


def without_consequences(facts: Iterable[Fact]) -> list[Fact]:
    """Returns facts without consequences: a call that uses a connection of another loop uses that loop too."""
    facts = _with_clients_of_tasks(list(facts))
    left = {
        fact.loop.number
        for fact in facts
        if fact.loop is not None and fact.kind in ("client-left-open", "abandoned-stream")
    }
    facts = [
        fact for fact in facts if not (fact.detail.get("tidied") and fact.loop is not None and fact.loop.number in left)
    ]
    facts = _once_a_line(_once_a_request(_worst(_once_a_task(_without_tasks_of_clients(facts)))))
    shared = {
        fact.client.outermost.number
        for fact in facts
        if fact.client is not None and fact.kind == "cross-loop-use" and not fact.detail.get("thread")
    }
    facts = [
        fact
        for fact in facts
        if not (fact.detail.get("thread") and fact.client is not None and fact.client.outermost.number in shared)
    ]
    reported = {_of(fact) for fact in facts if fact.call is not None and fact.kind.startswith("cross-loop")}
    return [
        fact for fact in facts if fact.kind != "use-after-loop-close" or fact.call is None or _of(fact) not in reported
    ]


def _with_clients_of_tasks(facts: list[Fact]) -> list[Fact]:
    """Joins a task of a library that does not end with what the program leaves open on that loop: its client."""
    left = {each.loop: each for each in facts if each.kind == "unclosed-at-exit" and each.client is not None}
    found = []
    for fact in facts:
        of_task = fact.kind == "stuck-waiter" and "task" in fact.detail and users_frame(fact.stack) is None
        open_one = left.get(fact.loop) if of_task else None
        if open_one is not None and fact.client in (None, open_one.client):
            fact.client, fact.connection = open_one.client, open_one.connection
            found.append(open_one)
    return [fact for fact in facts if fact not in found]


def _without_tasks_of_clients(facts: list[Fact]) -> list[Fact]:
    """Drops the pending tasks of a library whose client is left open on that loop: closing it ends them."""
    left = {(each.loop, each.client.package) for each in facts if each.kind == "client-left-open" and each.client}
    return [
        fact
        for fact in facts
        if fact.kind != "pending-task-destroyed"
        or fact.detail.get("calls")
        or not any(loop is fact.loop and belongs(file_of(fact.stack[0]), name) for loop, name in left if fact.stack)
    ]


def _once_a_task(facts: list[Fact]) -> list[Fact]:
    """Drops that a task was pending when its loop closed: Ctrl-C ended the wait for it, and the wait was reported."""
    waited = {(fact.loop, fact.detail["task"]) for fact in facts if "task" in fact.detail}
    return [
        fact
        for fact in facts
        if fact.kind != "pending-task-destroyed"
        or (fact.loop, f"the task {fact.detail.get('coroutine')}") not in waited
    ]


def _once_a_request(facts: list[Fact]) -> list[Fact]:
    """Drops what a request of aiohttp leads to: the request itself was reported as it reached a session's methods."""
    requested = {_where(fact) for fact in facts if fact.operation == SESSION_REQUEST}
    return [
        fact
        for fact in facts
        if fact.kind != "cross-loop-use" or fact.operation == SESSION_REQUEST or _where(fact) not in requested
    ]


def _once_a_line(facts: list[Fact]) -> list[Fact]:
    """Drops a foreign access of an unknown client, or of a lock, where the same line makes one of a known client."""
    opened = {_line(fact) for fact in facts if _access(fact) is not None}
    used = {_line(fact) for fact in facts if fact.kind in _FOREIGN and fact.client and not is_primitive(fact)}

    def is_told(fact: Fact) -> bool:
        if is_primitive(fact) or (fact.client is None and "what" in fact.detail and "thread" not in fact.detail):
            return _line(fact) in used
        return fact.client is None and _line(fact) in opened

    return [fact for fact in facts if fact.kind not in _FOREIGN or not is_told(fact)]


def _line(fact: Fact) -> tuple[Any, ...]:
    found = users_frame(fact.stack)
    return fact.loop, fact.current, (found[0], line(*found)) if found is not None else fact


def _where(fact: Fact) -> tuple[int | None, ...]:
    records = (fact.client.outermost if fact.client else None, fact.loop, fact.current)
    return tuple(None if each is None else each.number for each in records)


_FOREIGN = ("inherited-connection", "cross-loop-use", "cross-loop-close", "use-after-loop-close")
"""Foreign access, what says most about it first."""


def _worst(facts: list[Fact]) -> list[Fact]:
    """Drops what one foreign access leads to, for clients whose calls are not known: a write, a close, a callback."""
    best: dict[tuple[Any, ...], int] = {}
    for fact in facts:
        key = _access(fact)
        if key is not None:
            best[key] = min(best.get(key, len(_FOREIGN)), _FOREIGN.index(fact.kind))
    return [fact for fact in facts if (key := _access(fact)) is None or _FOREIGN.index(fact.kind) == best[key]]


def _access(fact: Fact) -> tuple[Any, ...] | None:
    client = fact.client.outermost if fact.client else None
    if fact.kind not in _FOREIGN or fact.severity != "error" or client is None:
        return None
    if client.calls or client.holder is None or client.holder.how not in ("used", "opened"):
        return None
    return _where(fact)


def _of(fact: Fact) -> tuple[int | None, int | None]:
    return (fact.call.number if fact.call else None, fact.loop.number if fact.loop else None)


def is_primitive(fact: Fact) -> bool:
    """Returns whether a fact is about a lock, queue or event that the program keeps itself."""
    return fact.client is not None and fact.client.package == "asyncio" and "what" in fact.detail
