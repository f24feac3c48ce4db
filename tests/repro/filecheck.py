"""Compares a program's output with the `# CHECK:` lines of a file, in the manner of LLVM's FileCheck.

Each expectation is searched for from where the one before it ended: order counts, other text in between does not. Runs
of spaces and tabs are equal to one space. What stands between double braces is a regular expression and stays within a
line; all else is taken as it is. Pure functions: no IO.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

_DIRECTIVE = re.compile(r"^\s*#\s*(CHECK(?:-[A-Z0-9]+)*):(.*)$")
_BLANKS = re.compile(r"[ \t]+")


@dataclass(frozen=True)
class Check:
    """One expectation.

    Attributes:
        line: where it stands in its file, from 1.
        text: what is expected, blanks collapsed.
    """

    line: int
    text: str

    def pattern(self) -> re.Pattern[str]:
        """The whole expectation as one regular expression.

        Raises:
            re.error: a part between double braces is not a regular expression.
        """
        parts = re.split(r"\{\{(.+?)\}\}", self.text)
        return re.compile("".join(f"(?:{part})" if i % 2 else re.escape(part) for i, part in enumerate(parts)))


@dataclass(frozen=True)
class Mismatch:
    """The first expectation that was not found, and the first line of the output that was left to search."""

    check: Check
    rest: str

    def __str__(self) -> str:
        return f"line {self.check.line} expects {self.check.text!r}; the search began at {self.rest!r}"


def read_checks(source: str, prefixes: Collection[str] = ("CHECK",)) -> list[Check]:
    """The expectations that stand in a file under one of the prefixes, in the order of the file.

    Raises:
        ValueError: an expectation is empty; it would always match.
    """
    checks = []
    for number, line in enumerate(source.splitlines(), 1):
        if (found := _DIRECTIVE.match(line)) and found[1] in prefixes:
            text = _BLANKS.sub(" ", found[2]).strip()
            if not text:
                raise ValueError(f"line {number}: {found[1]} expects nothing; write what it expects or remove it")
            checks.append(Check(number, text))
    return checks


def first_mismatch(checks: list[Check], output: str) -> Mismatch | None:
    """The first expectation that the output does not meet, or None where it meets all."""
    output = _BLANKS.sub(" ", output)
    position = 0
    for check in checks:
        found = check.pattern().search(output, position)
        if found is None:
            rest = output[position:].strip().splitlines()
            return Mismatch(check, rest[0] if rest else "")
        position = found.end()
    return None
