"""Suppressions: findings that the user has decided to ignore, by lines of `kind:pattern` or by comments in the code."""

from __future__ import annotations

import fnmatch
import linecache
import re
from collections.abc import Iterable, Sequence

from diagnostics.model.finding import Finding
from diagnostics.model.words import FINDING_KINDS
from diagnostics.sanitizer.analyze.describe import relative_path

Rule = tuple[str, str]

_COMMENT = re.compile(r"#\s*event-loops:\s*ignore(?:\[([^\]]*)\])?")


class SuppressionError(ValueError):
    """A line that is not a suppression; the message says what to write."""


def rules(lines: Iterable[str]) -> list[Rule]:
    """Parses suppressions; blank lines and lines that begin with # are ignored.

    Raises:
        SuppressionError: a line has another form, or its kind is unknown.
    """
    found = []
    for number, line in enumerate(lines, 1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        kind, colon, pattern = text.partition(":")
        if not colon or (kind != "*" and kind not in FINDING_KINDS):
            raise SuppressionError(
                f"suppressions, line {number}: write kind:pattern, with kind * or one of {', '.join(FINDING_KINDS)}"
            )
        found.append((kind, pattern))
    return found


def keep(findings: Sequence[Finding], suppressions: Sequence[Rule]) -> list[Finding]:
    """Returns the findings that neither a rule nor a comment ignores."""
    return [
        finding
        for finding in findings
        if not any(_matches(finding, *rule) for rule in suppressions) and not _has_comment(finding)
    ]


def _has_comment(finding: Finding) -> bool:
    """Returns whether a line that the finding names says `# event-loops: ignore` or `ignore[kind, kind]`."""
    client, access, loop = finding.client, finding.access, finding.loop
    sites = [finding.fault.site]
    sites += [client.created_at, client.held_by.site if client.held_by else None] if client else []
    sites += [access.site] if access else []
    sites += [loop.created_at] if loop else []
    for site in filter(None, sites):
        comment = _COMMENT.search(linecache.getline(site.file, site.line))
        if comment and (comment[1] is None or finding.kind in re.split(r"[\s,]+", comment[1].strip())):
            return True
    return False


def _matches(finding: Finding, kind: str, pattern: str) -> bool:
    """Returns whether the pattern matches the component, the client's type, the test, or a file or function on a stack.

    A file matches by its full path and as the report prints it.
    """
    if kind not in ("*", finding.kind):
        return False
    words = {finding.fault.component}
    if finding.client:
        words.add(finding.client.type)
    if finding.test:
        words.add(finding.test.nodeid)
    for stack in (finding.client.stack if finding.client else (), finding.access.stack if finding.access else ()):
        for site in stack:
            words |= {site.file, relative_path(site.file), site.function}
    return any(fnmatch.fnmatchcase(word, pattern) for word in words)
