"""Runs rules over a tree and leaves out what comments ignore."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from diagnostics.rewrite.rules.engine.tree import SourceTree
from diagnostics.rewrite.rules.engine.values import ValueReader
from diagnostics.rewrite.rules.records import Alert, CheckRule

IGNORED: Final = re.compile(r"#\s*event-loops:\s*ignore(?:\[([^\]]*)\])?")


def alerts(tree: SourceTree, rules: Iterable[CheckRule]) -> list[Alert]:
    """Returns what rules find in a tree, by file and line, but for what a comment on a shown line ignores."""
    reader = ValueReader(tree)
    found = {(each.code, each.lines): each for rule in rules for each in rule.alerts(reader)}
    kept = [
        each
        for each in found.values()
        if not any(_is_ignored(each, line.site.file, line.site.line, tree) for line in each.lines)
    ]
    return sorted(kept, key=lambda each: (each.lines[0].site.file, each.lines[0].site.line, each.code))


def _is_ignored(alert: Alert, path: str, line: int, tree: SourceTree) -> bool:
    file = tree.parsed(path)
    text = file.lines[line - 1] if file is not None and line <= len(file.lines) else ""
    comment = IGNORED.search(text)
    if comment is None:
        return False
    return comment[1] is None or bool({alert.code, alert.name} & set(re.split(r"[\s,]+", comment[1].strip())))
