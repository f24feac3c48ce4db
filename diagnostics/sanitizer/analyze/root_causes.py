"""Groups findings by the mistake that causes them: one change cures all findings of one root cause."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any, Final, NamedTuple

from diagnostics.model.finding import Finding, Hint, RootCause
from diagnostics.sanitizer.analyze.advice import advise
from diagnostics.sanitizer.analyze.situation import situation

_ORDER: Final = (
    "inherited-connection",
    "cross-loop-use",
    "stuck-waiter",
    "cross-loop-close",
    "use-after-loop-close",
    "duplicate-request",
    "abandoned-stream",
    "pending-task-destroyed",
    "client-left-open",
    "loop-closed-by-gc",
    "unclosed-at-exit",
)
"""Kinds, the one that says most about a mistake first."""

_ALONE: Final = ("abandoned-stream", "pending-task-destroyed")
"""Kinds that need a change of their own, whatever else is wrong with the client."""

_SEVERITIES: Final = ("error", "leak", "note")


class Report(NamedTuple):
    """What is wrong in a process.

    Attributes:
        findings: with their ids, and the best advice for their root cause as their hint.
        root_causes: those with errors first.
    """

    findings: list[Finding]
    root_causes: list[RootCause]


def group(findings: Sequence[Finding], frameworks: Collection[str], first: int = 1) -> Report:
    """Groups findings into root causes.

    Args:
        findings: of one process.
        frameworks: that it has imported.
        first: the number of the first finding.
    """
    named = [replace(finding, id=f"F{number}") for number, finding in enumerate(findings, first)]
    groups: dict[Any, list[Finding]] = {}
    for finding in named:
        groups.setdefault(identity(finding, named), []).append(finding)
    causes, hints = [], {}
    for members in groups.values():
        ranked = sorted(members, key=_place)
        advice = advise(situation(ranked, frameworks))
        causes.append(
            RootCause(
                kind=ranked[0].kind,
                severity=min((each.severity for each in members), key=_SEVERITIES.index),
                title=_title(ranked),
                findings=tuple(each.id for each in ranked),
                advice=advice,
            )
        )
        if advice:
            hints.update({each.id: Hint(advice[0].fix, advice[0].text) for each in members})
    causes.sort(key=_rank)
    return Report([replace(each, hint=hints.get(each.id, each.hint)) for each in named], causes)


def across(reports: Sequence[Report]) -> list[tuple[RootCause, RootCause]]:
    """Joins the root causes that several processes share, as the workers of a server do.

    Args:
        reports: one for each process, with different numbers.

    Returns:
        Each root cause twice: with the findings of all processes, and as the process has it where it is worst.
    """
    same: dict[Any, list[RootCause]] = {}
    for report in reports:
        by_id = {finding.id: finding for finding in report.findings}
        for cause in report.root_causes:
            same.setdefault(identity(by_id[cause.findings[0]], report.findings), []).append(cause)
    found = []
    for alike in same.values():
        worst = min(alike, key=_rank)
        if len(alike) > 1:
            worst = replace(worst, title=f"{worst.title}; in {len(alike)} processes")
        ids = [name for cause in (worst, *alike) for name in cause.findings]
        found.append((replace(worst, findings=tuple(dict.fromkeys(ids))), worst))
    return sorted(found, key=lambda pair: _rank(pair[0]))


def _rank(about: RootCause | Finding) -> tuple[int, int]:
    return _SEVERITIES.index(about.severity), _ORDER.index(about.kind)


def _place(finding: Finding) -> tuple[int, int]:
    """Sorts findings with one cause, the one that says most first, whatever the collector did.

    That a finalizer closed a connection on another loop is an effect of the client that was left open.
    """
    finalized = finding.access is not None and finding.access.trigger in ("gc", "__del__")
    if finding.kind == "cross-loop-close" and finalized:
        return _SEVERITIES.index("note"), len(_ORDER)
    return _rank(finding)


def identity(finding: Finding, findings: Sequence[Finding]) -> Any:
    """Returns a key that findings with the same cause share, also in later reports and in other processes.

    Args:
        finding: one of the findings.
        findings: of the same process.
    """
    if finding.kind in _ALONE:
        kept = _kept_by_person(finding, findings)
        return kept or (finding.kind, finding.fault.component, finding.fault.site, _client(finding))
    client = _client(finding)
    if client is None and finding.loop is not None:
        # A loop that nobody closed, with a client on it: closing both is one change.
        there = [each for each in findings if each.loop and each.loop.id == finding.loop.id and each.client]
        same = {_client(each) for each in there if each.fault.component == finding.fault.component}
        if len(same) == 1:
            client = same.pop()
    if client is not None:
        return client
    access = finding.access.site if finding.access is not None else None
    return finding.kind, finding.fault.site, access


def _kept_by_person(finding: Finding, findings: Sequence[Finding]) -> Any:
    """Returns the one client of the person's on the loop where a task of a library is pending, which serves it."""
    if finding.kind != "pending-task-destroyed" or finding.fault.component == "user" or finding.loop is None:
        return None
    there = [each for each in findings if each.loop and each.loop.id == finding.loop.id and each.client]
    clients = {_client(each) for each in there if each.fault.component == "user"}
    return clients.pop() if len(clients) == 1 else None


def _client(finding: Finding) -> Any:
    """What identifies a client in the source: its class, and the line that creates it or the variable that keeps it."""
    client = finding.client
    if client is None:
        return None
    if client.held_by is not None and (client.first_use or client.created_at is None):
        return client.type, client.held_by
    return client.type, client.created_at


def _title(findings: Sequence[Finding]) -> str:
    first = findings[0]
    client = next((each.client for each in findings if each.client is not None), None)
    if client is None:
        return _without_ids(first.message)
    short = client.type.rsplit(".", 1)[-1]
    loops = {loop.id for each in findings for loop in (each.loop, each.access.running if each.access else None) if loop}
    many = max(len(loops), *(each.client.loops for each in findings if each.client is not None))
    kinds = {each.kind for each in findings}
    if first.kind in (*_ALONE, "inherited-connection", "stuck-waiter", "cross-loop-close"):
        return _without_ids(first.message.replace(client.type, short))
    if kinds & {"cross-loop-use", "duplicate-request", "use-after-loop-close"} and many > 1:
        used = sum(each.count for each in findings if each.kind in ("cross-loop-use", "use-after-loop-close"))
        thing = f"{'a connection' if any(each.connection for each in findings) else 'an object'} of another loop"
        what = f"; {min(used, client.calls)} of {_plural(client.calls, 'call')} used {thing}" if used else ""
        again = ", and requests were sent twice" if "duplicate-request" in kinds else ""
        noun = client.type if client.type.startswith("asyncio.") else _noun(short)
        return f"one {noun} is used on {_plural(many, 'event loop')}{what if client.calls else ''}{again}"
    if first.kind == "client-left-open":
        return f"{short} is not closed before its event loop closes"
    if first.kind == "unclosed-at-exit":
        return f"{short} is still open when the program ends"
    return _without_ids(first.message)


def _without_ids(message: str) -> str:
    """Returns a message without what differs between equal runs: the numbers of clients and loops."""
    message = re.sub(
        r"^code on L\d+ (.*) that (belongs?) to L\d+.*", r"code on one loop \1 that \2 to another", message
    )
    text = re.sub(r"(?:: |, on | that belongs to )L\d+(?: \(closed by [^)]*\))?(?: and \d+ others?)?", "", message)
    text = re.sub(r" by code on L\d+", " by another loop", re.sub(r" C\d+", "", text))
    return re.sub(r"\bL\d+\b", "its loop", text)


def _noun(cls: str) -> str:
    """Returns what a person calls an object of a class: `AsyncOpenAI client`, `AsyncClient`, `SSHClientConnection`."""
    return cls if cls.endswith(("Client", "Connection", "Session", "Pool", "Engine", "Channel")) else f"{cls} client"


def _plural(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
