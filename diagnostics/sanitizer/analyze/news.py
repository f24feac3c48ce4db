"""Which root causes are new, in the reports that are made while a program runs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from diagnostics.model.finding import Finding, RootCause
from diagnostics.sanitizer.analyze.root_causes import Report, identity
from diagnostics.sanitizer.capture.facts import Fact

_SEVERITIES = ("note", "leak", "error")


class Novelty(NamedTuple):
    """A root cause that is new or has become worse.

    Attributes:
        findings: of this root cause.
        before: its kind when it was new, if it has become worse since.
    """

    cause: RootCause
    findings: Sequence[Finding]
    before: str | None


class News:
    """Keeps which root causes were new before, by what they are in the source."""

    def __init__(self) -> None:
        self._known: dict[Any, tuple[str, int]] = {}

    def of(self, report: Report) -> list[Novelty]:
        """Returns the root causes that are new, or were a leak and are an error now. Other effects are no news."""
        by_id = {finding.id: finding for finding in report.findings}
        found = []
        for cause in report.root_causes:
            findings = [by_id[name] for name in cause.findings]
            key, severity = identity(findings[0], report.findings), _SEVERITIES.index(cause.severity)
            kind, worst = self._known.get(key, (None, -1))
            if severity > worst:
                self._known[key] = (kind or cause.kind, severity)
                found.append(Novelty(cause, findings, kind))
        return found


def certain(facts: Iterable[Fact]) -> list[Fact]:
    """Returns the facts that nothing can withdraw: the program may still close a stream while its loop is open."""
    return [
        fact for fact in facts if fact.kind != "abandoned-stream" or fact.loop is None or fact.loop.closed is not None
    ]
