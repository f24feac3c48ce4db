"""Turns facts into findings. Pure functions of what was recorded: nothing here looks at a live object."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from diagnostics.model.finding import Access, ClientFacts, ConnectionFacts, Fault, Finding, HeldBy, Hint, LoopFacts
from diagnostics.model.libraries import LIBRARIES
from diagnostics.sanitizer.analyze.assignments import assignment
from diagnostics.sanitizer.analyze.consequences import is_primitive, without_consequences
from diagnostics.sanitizer.analyze.contributions import contributions
from diagnostics.sanitizer.analyze.describe import (
    closed_by,
    closed_by_tool,
    component,
    created_by,
    created_inside,
    holds,
    maker,
    nearest,
    of_one_runner,
    site,
    sites,
    source_site,
    who,
)
from diagnostics.sanitizer.analyze.in_tests import in_test
from diagnostics.sanitizer.analyze.phrasing import (
    AWAITED,
    BLOCKED,
    KEPT,
    KINDS,
    LOCK_KEPT,
    NOT_CLOSED,
    OTHER_LOOP,
    SHARED,
    THREAD,
    UNCLOSABLE,
    UNENDED,
    UNKNOWN_CLIENT,
    About,
    noun,
)
from diagnostics.sanitizer.analyze.sources import is_handled
from diagnostics.sanitizer.capture.facts import ClientRecord, ConnectionRecord, Fact, LoopRecord
from diagnostics.sanitizer.capture.sites import Stack, file_of, installed, line, users_frame

_ORDER = {"error": 0, "leak": 1, "note": 2}
_LEFT = ("client-left-open", "abandoned-stream")


def evaluate(facts: Iterable[Fact]) -> list[Finding]:
    """Groups facts into findings, with the fault and the fix of each.

    Returns:
        Errors, then leaks, then notes; each in the order in which they were first seen. Ids increase in the order of
        appearance, so equal programs have equal reports.
    """
    groups: dict[tuple[Any, ...], list[Fact]] = {}
    for fact in without_consequences(facts):
        if not _is_expected(fact):
            groups.setdefault(_same(fact), []).append(fact)
    names = _Names()
    return [_finding(group, names) for group in sorted(groups.values(), key=lambda group: _ORDER[_severity(group[0])])]


def counts(facts: Iterable[Fact]) -> list[tuple[str, str, int]]:
    """Returns how often each kind was seen, as `(kind, severity, count)`, without reading any source."""
    found: dict[tuple[str, str], int] = {}
    for fact in without_consequences(facts):
        key = fact.kind, _severity(fact)
        found[key] = found.get(key, 0) + fact.count
    return [(kind, severity, count) for (kind, severity), count in found.items()]


def _severity(fact: Fact) -> str:
    """Returns how bad it is.

    A package that leaves its own task on its own loop leaves nothing of the program's. What a package keeps on the loop
    of `async_tools`, the program cannot close.
    """
    client = fact.client.outermost if fact.client else None
    left = fact.kind == "client-left-open" and fact.loop is not None and closed_by_tool(fact.loop)
    if left and component(client, fact.stack) != "user":
        return "note"
    task = fact.kind == "pending-task-destroyed" and fact.loop is not None
    is_package_s = task and fact.loop is not None and maker(fact.loop) is not None and users_frame(fact.stack) is None
    return "note" if is_package_s and who(fact.detail.get("closed", ()), "close") != "user" else fact.severity


def _is_expected(fact: Fact) -> bool:
    """Returns whether a package wakes a loop that another thread may have closed, and handles that."""
    if fact.operation != "loop.call_soon_threadsafe" or fact.client is not None or len(fact.stack) < 4:
        return False
    code, at = fact.stack[2:4]
    return installed(file_of(code)) and is_handled("RuntimeError", file_of(code), line(code, at))


def _same(fact: Fact) -> tuple[Any, ...]:
    """Returns a key that is equal for facts with the same cause in the program."""
    client = fact.client.outermost if fact.client else None
    created: Any = (client.created or client.variable) if client else ()
    loop = (fact.loop.created, fact.loop.closed) if fact.loop else ()
    access = fact.stack if client is None else ()
    if is_primitive(fact):  # one mistake, however many locks and queues the program keeps
        return fact.kind, _severity(fact), loop
    return (fact.kind, _severity(fact), created, loop, access, fact.trigger, *map(fact.detail.get, ("waits", "what")))


class _Names:
    """Short stable ids."""

    def __init__(self) -> None:
        self._ids: dict[str, dict[int, str]] = {"L": {}, "C": {}, "X": {}}

    def __call__(self, letter: str, record: LoopRecord | ClientRecord | ConnectionRecord) -> str:
        ids = self._ids[letter]
        return ids.setdefault(record.number, f"{letter}{len(ids) + 1}")


def _finding(group: Sequence[Fact], names: _Names) -> Finding:
    first = group[0]
    client = first.client.outermost if first.client else None
    loop = _loop(first.loop, names)
    count = sum(fact.count for fact in group)
    current = first.current
    details = dict(first.detail)
    named = names("C", client) if client else ""
    if is_primitive(first):
        details["what"] = " and ".join(dict.fromkeys(str(fact.detail["what"]) for fact in group))
    if "connections" in details:
        details["connections"] = sum(fact.detail["connections"] for fact in group)
        details["loops"] = len({fact.loop.number for fact in group if fact.loop is not None})
    about = About(
        client=UNKNOWN_CLIENT if is_primitive(first) or client is None else f"{written_type(client)} {named}",
        loop=_named(loop),
        current=names("L", current) if current else "no loop",
        operation=first.operation,
        trigger=first.trigger,
        detail=details,
        times=count,
    )
    wording = KINDS[first.kind]
    made = client.created if client else first.stack
    if first.kind == "loop-closed-by-gc" and first.loop is not None:
        made = first.loop.created
    closed = first.detail.get("closed", ())
    if first.kind == "pending-task-destroyed" and users_frame(made) is None and who(closed, "close") == "user":
        made = closed  # the coroutine belongs to a library, as in `create_task(client.get(…))`
    holder = _at_fault(first, client, made)
    why = _why(first, client, holder, wording.why)
    if client is not None:
        why = why.replace("client", noun(written_type(client)))
    return Finding(
        kind=first.kind,
        severity=_severity(first),
        count=count,
        message=wording.message(about),
        client=_client(client, group, names) if client else None,
        loop=loop,
        connection=_connection(first.connection, names) if first.connection else None,
        access=Access(
            names("L", current) if current else None,
            site(first.stack),
            first.operation,
            first.trigger,
            sites(first.stack),
            owner_open=first.detail.get("owner_open"),
            running=_loop(current, names),
        ),
        fault=Fault(holder, site(made), why, contributions(group, holder)),
        hint=Hint(None, ""),  # the advice for the root cause, once that is known
        test=in_test(fact.detail for fact in group),
    )


def _at_fault(fact: Fact, client: ClientRecord | None, made: Stack) -> str:
    """Returns whose code has to change: `user`, or a distribution."""
    if fact.kind == "abandoned-stream":
        # The code that stopped reading: the library if its own code was reading, otherwise the owner of the stream.
        opened = fact.connection.opened if fact.connection is not None else fact.stack
        return "user" if users_frame(opened) is not None else component(client, made)
    if fact.kind == "loop-closed-by-gc" and fact.loop is not None:
        return maker(fact.loop) or component(client, made)
    if fact.kind == "use-after-loop-close" and client is None and fact.loop is not None and maker(fact.loop):
        return nearest(fact.stack)  # neither the loop nor what keeps it is the person's
    current = fact.current
    is_brought = fact.kind in ("cross-loop-use", "cross-loop-close") and fact.detail.get("owner_open")
    if is_brought and current is not None and created_inside(client) and not of_one_runner(fact.loop, current):
        # The client belongs to a run that goes on, and somebody else has brought in another loop.
        return maker(current) or component(client, made)
    return component(client, made)


def written_type(client: ClientRecord) -> str:
    """Returns the class that a person wrote, which may be one around the client that was seen."""
    is_wrapped = client.holder is not None and client.holder.how == "used"
    return (_held_type(client) or client.name) if holds(client) or is_wrapped else client.name


def _held_type(client: ClientRecord) -> str:
    if client.holder is not None and client.holder.type:
        return client.holder.type
    return client.variable.type if client.variable is not None else ""


def _why(fact: Fact, client: ClientRecord | None, at_fault: str, usual: str) -> str:
    if at_fault not in ("user", component(client, fact.stack)) and fact.current is not None:
        return OTHER_LOOP
    if "thread" in fact.detail:
        return THREAD
    if (fact.client is None or is_primitive(fact)) and "what" in fact.detail:
        return AWAITED if fact.operation == "await" else LOCK_KEPT
    if fact.kind == "use-after-loop-close" and client is not None and fact.current is not None:
        return KINDS["cross-loop-use"].why
    if "task" in fact.detail:
        return UNENDED if client is None else KINDS["unclosed-at-exit"].why
    if fact.kind == "stuck-waiter" and client is None and fact.trigger == "task":
        return BLOCKED
    if "robbed" in fact.detail:
        return NOT_CLOSED
    wrapper = client.holder if client is not None and at_fault != "user" else None
    if fact.kind == "client-left-open" and wrapper is not None and wrapper.how == "used" and not wrapper.closer:
        return UNCLOSABLE
    return KEPT if usual == SHARED and client is not None and at_fault != "user" else usual


def _named(loop: LoopFacts | None) -> str:
    if loop is None:
        return "a loop"
    closed_by = {"gc": "the garbage collector", "user": "your code"}.get(loop.closed_by or "", loop.closed_by)
    return f"{loop.id} (closed by {closed_by})" if closed_by else loop.id


def _client(client: ClientRecord, group: Sequence[Fact], names: _Names) -> ClientFacts:
    alike = {fact.client.outermost.number: fact.client.outermost for fact in group if fact.client}.values()
    loops: dict[int, set[int]] = {}
    for fact in group:
        if fact.client is not None:
            met = {each.number for each in (fact.loop, fact.current) if each is not None}
            loops.setdefault(fact.client.outermost.number, set()).update(met)
    return ClientFacts(
        id=names("C", client),
        type=written_type(client),
        created_at=site(client.created),
        stack=sites(client.created),
        calls=sum(each.calls for each in alike),
        requests=sum(each.requests for each in alike),
        held_by=_held_by(client),
        first_use=client.holder is not None and client.holder.how in ("used", "unseen") and holds(client),
        closer=_closer(client),
        loops=max(map(len, loops.values()), default=0),
    )


def _closer(client: ClientRecord) -> str:
    """Returns how a person closes a client: as its class offers it, or as the SDK's row says where that is special."""
    if client.holder is not None and holds(client) and _held_type(client):
        return client.holder.closer if client.holder.type or client.variable is None else client.variable.closer
    row = next((each for each in LIBRARIES.values() if each.module == client.package), None)
    return f"await {row.close}()" if row is not None and "." in row.close else "async with"


def _held_by(client: ClientRecord) -> HeldBy | None:
    """Returns the variable that keeps a client; its assignment is read from the source."""
    found = client.variable
    if found is None:
        return None
    cls = written_type(client).rpartition(".")[2]
    place = assignment(found.file, re.sub(r"\[\d+\]$", "", found.name), found.function, cls)
    module = "" if found.module == "__main__" or found.function else f"{found.module}."
    return HeldBy(module + found.name, None if place is None else source_site(found.file, *place))


def _loop(record: LoopRecord | None, names: _Names) -> LoopFacts | None:
    if record is None:
        return None
    return LoopFacts(
        id=names("L", record),
        kind=record.kind,
        created_at=site(record.created),
        created_by=created_by(record),
        closed_at=site(record.closed) if record.closed is not None else None,
        closed_by=closed_by(record),
    )


def _connection(record: ConnectionRecord, names: _Names) -> ConnectionFacts:
    return ConnectionFacts(names("X", record), record.peer, site(record.opened), sites(record.opened))
