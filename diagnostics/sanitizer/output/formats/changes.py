"""The change that cures a root cause, as a patch and as replacements of lines."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping

Changes = Mapping[str, tuple[str, str]]
"""Path of a file, relative to the working directory -> its text before and after."""


class NoChanges(Exception):
    """Why no changes were looked for, in a few words."""


def patch_of(changes: Changes) -> str:
    """Returns the patch, as `git apply` takes it."""
    return "".join(_diff(name, *texts) for name, texts in sorted(changes.items()))


def _diff(name: str, old: str, new: str) -> str:
    before, after = (each.splitlines(keepends=True) for each in (old, new))
    found = difflib.unified_diff(before, after, f"a/{name}" if old else "/dev/null", f"b/{name}")
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in found)


def replacements(old: str, new: str) -> Iterator[tuple[int, int, str]]:
    """Yields the first line, the line after the last one, and the new text of each change; lines count from 1."""
    before, after = (each.splitlines(keepends=True) for each in (old, new))
    for what, start, end, first, last in difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if what != "equal":
            yield start + 1, end + 1, "".join(after[first:last])
