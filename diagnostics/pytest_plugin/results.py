"""Reads the journals of a run and says what is wrong, with the tests at fault."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from diagnostics.model.codec import encode
from diagnostics.model.finding import Confirmation, Finding, InTest, RootCause
from diagnostics.sanitizer.analyze.in_tests import joined
from diagnostics.sanitizer.analyze.news import certain
from diagnostics.sanitizer.analyze.recorded import Process, processes
from diagnostics.sanitizer.analyze.root_causes import Report, across, identity
from diagnostics.sanitizer.analyze.suppressions import Rule
from diagnostics.sanitizer.output.formats.place import main_finding
from diagnostics.sanitizer.output.json_document import document
from diagnostics.sanitizer.process.reporter import ReportSettings, grouped


class Cause(NamedTuple):
    """A root cause in the tests of a run.

    Attributes:
        key: the same in later results of the run.
        cause: with the findings of one process.
        findings: of that process; the first one names all tests.
        test: who is to blame and hurt; `None` where pytest knows nothing of it.
    """

    key: Any
    cause: RootCause
    findings: Sequence[Finding]
    test: InTest | None

    @property
    def component(self) -> str:
        """Whose code is at fault."""
        return self.findings[0].fault.component

    @property
    def nodeids(self) -> tuple[str, ...]:
        """The tests, or the file, that are to blame."""
        if self.test is None or not self.test.nodeid:
            return ()
        return (self.test.nodeid, *self.test.others)


class Results(NamedTuple):
    """What is wrong in a run.

    Attributes:
        causes: root causes, errors first.
        document: as `diagnostics run --json` writes it, without secrets removed.
        processes: the findings of each process.
    """

    causes: Sequence[Cause]
    document: dict[str, Any]
    processes: Sequence[Sequence[Finding]]


def read(folder: str, suppressions: Sequence[Rule], argv: list[str], exit_code: int | None = None) -> Results:
    """Returns what is known so far.

    Args:
        folder: of the journals.
        suppressions: see `analyze.suppressions`.
        argv: command line of the run, for the document.
        exit_code: of the run, if it has ended.
    """
    settings = ReportSettings(None, "report", 0, suppressions)
    journals = [processes(path.read_bytes()) for path in sorted(Path(folder).glob("*.journal"))]
    found = [process for each in journals for process in each]
    parts: list[Report] = []
    for process in found:
        facts = [fact for fact in certain(process.facts.values()) if "allowed" not in fact.detail]
        parts.append(grouped(process, facts, settings, sum(len(part.findings) for part in parts) + 1))
    findings = [finding for part in parts for finding in part.findings]
    by_id = {finding.id: finding for finding in findings}
    causes = [_cause(whole, worst, by_id, findings) for whole, worst in across(parts)]
    data = _document(found, findings, causes, argv, exit_code)
    if any(each[0].used and not each[0].end and each[0].number != os.getpid() for each in journals if each):
        data["cannot_tell"].append("a process that ran tests was killed before it could report what it leaves open")
    return Results(causes, data, [part.findings for part in parts])


def confirmed(results: Results, known: Mapping[Any, Confirmation]) -> Results:
    """Returns results in which each root cause that has a confirmation, by its key, names it."""
    causes = []
    for each, encoded in zip(results.causes, results.document["root_causes"], strict=True):
        confirmation = known.get(each.key)
        if each.test is None or confirmation is None:
            causes.append(each)
            continue
        test = replace(each.test, confirmation=confirmation)
        findings = [replace(each.findings[0], test=test), *each.findings[1:]]
        causes.append(each._replace(findings=findings, test=test))
        main_finding(results.document, encoded)["test"]["confirmation"] = encode(confirmation)
    return results._replace(causes=causes)


def _cause(whole: RootCause, worst: RootCause, by_id: dict[str, Finding], findings: Sequence[Finding]) -> Cause:
    test = joined(by_id[name].test for name in whole.findings)
    own = [by_id[name] for name in worst.findings]
    key = identity(own[0], findings)
    return Cause(key, worst, [replace(own[0], test=test), *own[1:]], test)


def _document(
    found: Sequence[Process], findings: Sequence[Finding], causes: Sequence[Cause], argv: list[str], code: int | None
) -> dict[str, Any]:
    whole = Process(os.getpid(), argv=argv, python=found[0].python if found else "")
    blind: dict[str, None] = {}
    for process in found:
        whole.calls += process.calls
        whole.requests += process.requests
        whole.modules.update(process.modules)
        blind.update(dict.fromkeys(process.blind_spots))
    data = document(whole, Report(list(findings), []), exit_code=code, blind_spots=list(blind))
    data["root_causes"] = [encode(each.cause) for each in causes]
    return data
