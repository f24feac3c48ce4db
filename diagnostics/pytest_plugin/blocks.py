"""What the plugin shows of a root cause: the report of a test, the section at the end, annotations."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from types import SimpleNamespace
from typing import Any, Final

import pytest

from diagnostics.model.libraries import LIBRARIES
from diagnostics.pytest_plugin.journals import MARK, SECTION
from diagnostics.pytest_plugin.results import Cause, Results
from diagnostics.sanitizer.output.drawing import MIN_WIDTH, Style
from diagnostics.sanitizer.output.formats import FORMATS
from diagnostics.sanitizer.output.last_line import plural
from diagnostics.sanitizer.output.redact import redact, redact_text
from diagnostics.sanitizer.output.text import blind_spot, render, summary
from diagnostics.sanitizer.process.reporter import ReportSettings

_CLIENTS: Final = {name for name, row in LIBRARIES.items() if row.role in ("sdk", "client")}


class _Block:
    """What a failed report shows: a line on the terminal, where the section has the rest; the block elsewhere."""

    def __init__(self, title: str, block: str) -> None:
        self.reprcrash = SimpleNamespace(message=title)  # for pytest's short summary, and the message in JUnit XML
        self._line = f"{title}; see the section `{SECTION}`"
        self._block = block

    def toterminal(self, writer: Any) -> None:
        """Writes one line."""
        writer.line(self._line)

    def __str__(self) -> str:
        return self._block


def report(cause: Cause, nodeid: str, *, fails: bool) -> pytest.TestReport:
    """Returns the report for a test that is to blame."""
    block = render([cause.cause], cause.findings, Style()).rstrip()
    title = redact_text(f"{cause.cause.severity}[{cause.cause.kind}]: {cause.cause.title}")
    properties = [("event_loops", title)]
    if cause.test is not None and (again := cause.test.confirmation) is not None:
        properties.append(("event_loops_confirmation", f"{again.state}: {again.text}"))
    file, _, name = nodeid.partition("::")
    return pytest.TestReport(
        nodeid=nodeid + MARK,
        location=(file, None, (name.replace("::", ".") or file) + MARK),
        keywords={},
        outcome="failed" if fails else "passed",
        longrepr=_Block(title, block) if fails else None,  # type: ignore[arg-type]
        when="teardown",
        sections=() if fails else [(SECTION, block)],  # pytest prints those of what fails
        user_properties=properties,
    )


def section(results: Results, width: int, *, colour: bool, shown: bool = False) -> Iterator[str]:
    """Yields the lines of the section.

    Args:
        results: what is wrong.
        width: of the terminal.
        colour: whether it shows colours.
        shown: whether `diagnostics run` prints the root causes, with the tests: one mistake is shown once.
    """
    if shown and results.causes:
        yield f"diagnostics: {plural(len(results.causes), 'root cause')}; the report of `run` names the tests"
    else:
        yield from _section(results, Style(max(MIN_WIDTH, width), colour)).splitlines()


def annotated(results: Results, around: str) -> list[str]:
    """Returns the annotations for GitHub Actions, where they are wanted.

    Args:
        results: what is wrong.
        around: the settings of the `diagnostics run` that has the same root causes; empty if there is none.
    """
    settings = ReportSettings.from_json(around) if around else None
    there = settings is not None and settings.format == "github" and settings.output is None
    if there or os.environ.get("GITHUB_ACTIONS") != "true":
        return []
    return ["", *FORMATS["github"](redact(results.document)).splitlines()]


def _section(results: Results, look: Style) -> str:
    """Returns the section: a block for each root cause of the person's, a line for each distribution at fault."""
    own = [each for each in results.causes if each.component == "user"]
    text = "".join(render([each.cause], each.findings, look) for each in own)
    others: dict[str, list[Cause]] = {}
    for each in results.causes:
        if each.component != "user":
            others.setdefault(each.component, []).append(each)
    for name, members in others.items():
        text += f"{name}: {_what(members)}; not your code\n"
    text += "".join(blind_spot(each, look) + "\n" for each in redact(results.document["cannot_tell"]))
    versions = {name: version for name, version in results.document["environment"].items() if name in _CLIENTS}
    causes = [each.cause for each in results.causes]
    return text + summary(causes, results.processes, versions=versions, **results.document["accounting"]) + "\n"


def _what(causes: Sequence[Cause]) -> str:
    counts = {word: sum(each.cause.severity == word for each in causes) for word in ("error", "leak", "note")}
    found = ", ".join(plural(count, word) for word, count in counts.items() if count)
    kinds = ", ".join(dict.fromkeys(each.cause.kind for each in causes))
    tests = list(dict.fromkeys(name for each in causes for name in each.nodeids))
    where = "" if not tests else f" in {tests[0]}" + (f" and {len(tests) - 1} more" if len(tests) > 1 else "")
    return f"{found} ({kinds}){where}"
