"""What a person has decided to live with: lines of `kind:pattern`."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Sequence

from diagnostics.model.finding import Finding
from diagnostics.model.words import FINDING_KINDS
from diagnostics.sanitizer.process.options import OptionError

Rule = tuple[str, str]


def rules(lines: Iterable[str]) -> list[Rule]:
    """Reads suppressions; blank lines and those that begin with # are comments.

    Raises:
        OptionError: a line of another form, or a kind that there is not.
    """
    found = []
    for number, line in enumerate(lines, 1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        kind, colon, pattern = text.partition(":")
        if not colon or (kind != "*" and kind not in FINDING_KINDS):
            raise OptionError(
                f"suppressions, line {number}: write kind:pattern, with kind * or one of {', '.join(FINDING_KINDS)}"
            )
        found.append((kind, pattern))
    return found


def keep(findings: Sequence[Finding], suppressions: Sequence[Rule]) -> list[Finding]:
    """The findings that no rule matches."""
    return [finding for finding in findings if not any(_matches(finding, *rule) for rule in suppressions)]


def _matches(finding: Finding, kind: str, pattern: str) -> bool:
    """A pattern may match the component at fault, the client's type, or a file or function on a stack.

    A file matches as it is, and as the report prints it.
    """
    from diagnostics.sanitizer.output.text import shorten

    if kind not in ("*", finding.kind):
        return False
    words = {finding.fault.component}
    if finding.client:
        words.add(finding.client.type)
    for stack in (finding.client.stack if finding.client else (), finding.access.stack if finding.access else ()):
        for site in stack:
            words |= {site.file, shorten(site.file), site.function}
    return any(fnmatch.fnmatchcase(word, pattern) for word in words)
