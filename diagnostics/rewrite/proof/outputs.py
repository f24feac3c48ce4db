"""What a program prints, learned from several runs: only what differs between them may differ after a change. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

_TOKENS: Final = re.compile(r"\w+|\s+|[^\w\s]+")
_CLASSES: Final = (r"\d+", r"(?:0x)?[0-9a-f]+", r"\w+", r"[^\w\s]+", r"\s+")


@dataclass(frozen=True)
class Expected:
    """What the runs before a change printed.

    Attributes:
        patterns: a regular expression for each line, in their order; `None` where the order is not always the same.
        same: lines that every run printed, with how often.
        others: how many other lines there were, at least and at most.
        example: the lines of one run.
    """

    patterns: tuple[str, ...] | None
    same: Counter[str]
    others: tuple[int, int]
    example: tuple[str, ...]

    def __str__(self) -> str:
        total = sum(self.same.values())
        if self.patterns is not None:
            learned = len(self.patterns) - total
            return f"{len(self.patterns)} lines in order" + (
                f", {learned} of them with parts that vary" if learned else ""
            )
        low, high = self.others
        counted = f", and {low} to {high} that differ from run to run were counted" if high else ""
        return f"{total} lines in any order, as before{counted}"

    def difference(self, output: str) -> str | None:
        """Returns the first difference, or `None`."""
        lines = output.splitlines()
        if self.patterns is not None:
            return self._first(lines, self.patterns)
        missing = self.same - Counter(lines)
        if missing:
            return f"the line {next(iter(missing))!r} is not printed"
        extra = len(lines) - sum(self.same.values())
        low, high = self.others
        return None if low <= extra <= high else f"{extra} other lines are printed, where there were {low} to {high}"

    def _first(self, lines: Sequence[str], patterns: Sequence[str]) -> str | None:
        for number, (line, pattern) in enumerate(zip(lines, patterns, strict=False)):
            if not re.fullmatch(pattern, line):
                return f"{_short(line)} is printed, and was {_short(self.example[number])}"
        if len(lines) < len(patterns):
            return f"the line {_short(self.example[len(lines)])} is not printed"
        if len(lines) > len(patterns):
            return f"the line {_short(lines[len(patterns)])} is printed in addition"
        return None


def learn(outputs: Sequence[str]) -> Expected:
    """Returns what is common to the outputs of several runs."""
    runs = [output.splitlines() for output in outputs]
    counts = [Counter(lines) for lines in runs]
    same = counts[0]
    for each in counts[1:]:
        same &= each
    rest = [len(lines) - sum(same.values()) for lines in runs]
    return Expected(_in_order(runs, same), same, (min(rest), max(rest)), tuple(runs[0]))


def _in_order(runs: Sequence[Sequence[str]], same: Counter[str]) -> tuple[str, ...] | None:
    if len({len(lines) for lines in runs}) != 1:
        return None
    patterns = []
    for alike in zip(*runs, strict=True):
        if len({*alike}) > 1 and any(line in same for line in alike):  # lines were swapped
            return None
        pattern = _pattern(alike)
        if pattern is None:
            return None
        patterns.append(pattern)
    return tuple(patterns)


def _pattern(lines: Sequence[str]) -> str | None:
    """Returns a regular expression for a line that differs from run to run; `None` if its parts do not correspond."""
    if len({*lines}) == 1:
        return re.escape(lines[0])
    split = [_TOKENS.findall(line) for line in lines]
    if len({len(tokens) for tokens in split}) != 1:
        return None
    parts = [_part({*tokens}) for tokens in zip(*split, strict=True)]
    return None if None in parts else "".join(part or "" for part in parts)


def _part(tokens: set[str]) -> str | None:
    if len(tokens) == 1:
        return re.escape(tokens.pop())
    numbers = [re.fullmatch(r"\d+(\D+)", token) for token in tokens]
    units = {number[1] for number in numbers if number}
    if all(numbers) and len(units) == 1:
        return r"\d+" + re.escape(units.pop())
    return next((each for each in _CLASSES if all(re.fullmatch(each, token) for token in tokens)), None)


def _short(line: str) -> str:
    return repr(line if len(line) <= 80 else f"{line[:77]}…")
