"""Findings and root causes as a REPL and a notebook show them."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Final

from diagnostics.model.finding import Finding, RootCause
from diagnostics.sanitizer.analyze.describe import relative_path
from diagnostics.sanitizer.analyze.root_causes import Report
from diagnostics.sanitizer.output.drawing import Style
from diagnostics.sanitizer.output.redact import redact_text
from diagnostics.sanitizer.output.text import render

_LINK = re.compile(r"\x1b\]8;;.*?\x1b\\")
_PAINTED = re.compile(r"\x1b\[([\d;]+)m(.*?)\x1b\[0m", re.DOTALL)
# Readable on white and on black.
_CSS: Final = {
    "31": "color:#d93644",
    "33": "color:#a86b00",
    "36": "color:#0b7d94",
    "32": "color:#1f8540",
    "34": "color:#3f72e0",
}


@dataclass(frozen=True, repr=False, kw_only=True)
class ReportedCause(RootCause):
    """A root cause with its findings. `str()` is one line, `text` the block that `diagnostics run` prints.

    Attributes:
        evidence: its findings, the one that says most first.
    """

    evidence: tuple[Finding, ...]

    @property
    def text(self) -> str:
        """The block, without colours."""
        return self._block(Style(width=100)).rstrip()

    def __str__(self) -> str:
        return redact_text(f"{self.severity}[{self.kind}]: {self.title}{_where(self.evidence[0])}")

    def __repr__(self) -> str:
        return f"<{self}>"

    def _repr_html_(self) -> str:
        return _html(self._block(Style(width=100, colour=True)))

    def _block(self, look: Style) -> str:
        return render([self], self.evidence, look)


class Findings(list[Finding]):
    """The findings of a block, filled when it ends. `str()` is the report.

    Attributes:
        root_causes: the mistakes that the findings are effects of, those with errors first.
    """

    def __init__(self) -> None:
        super().__init__()
        self.root_causes: list[ReportedCause] = []

    def __str__(self) -> str:
        return "\n\n".join(cause.text for cause in self.root_causes) or "no problem found"

    def __repr__(self) -> str:
        return "\n".join(map(repr, self.root_causes)) or "<no problem found>"

    def _repr_html_(self) -> str:
        return "".join(cause._repr_html_() for cause in self.root_causes) or _html("no problem found")


def fill(findings: Findings, report: Report) -> None:
    """Adds what was found."""
    findings += report.findings
    by_id = {finding.id: finding for finding in report.findings}
    findings.root_causes += [reported(cause, [by_id[name] for name in cause.findings]) for cause in report.root_causes]


def reported(cause: RootCause, findings: Sequence[Finding]) -> ReportedCause:
    """Returns a root cause with its findings."""
    known = {field.name: getattr(cause, field.name) for field in fields(RootCause)}
    return ReportedCause(**known, evidence=tuple(findings))


def _where(finding: Finding) -> str:
    site = finding.client.created_at if finding.client is not None else finding.fault.site
    return "" if site is None else f" ({relative_path(site.file)}:{site.line})"


def _html(text: str) -> str:
    """Returns a text with the colours of a terminal as HTML that loads nothing."""
    safe = html.escape(_LINK.sub("", text.rstrip()))
    painted = _PAINTED.sub(lambda found: f'<span style="{_style(found[1])}">{found[2]}</span>', safe)
    style = "background:transparent;color:inherit;overflow-x:auto;line-height:1.3"
    return f'<pre class="diagnostics" style="{style}">{painted}</pre>'


def _style(codes: str) -> str:
    bold, _, colour = codes.partition(";")
    return ";".join(filter(None, ("font-weight:bold" if bold == "1" else "", _CSS.get(colour, ""))))
