"""The figures of `fix` and `prove` as Markdown."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Final

from benchmarks.fixes.running import Outcome

BEGIN: Final = "<!-- figures -->"
END: Final = "<!-- end of figures -->"


def summary(outcomes: Sequence[Outcome]) -> list[tuple[str, str, str]]:
    """Returns what is measured, the figure, and the goal."""
    faulty = [each for each in outcomes if each.expected == "patch"]
    patched = [each for each in faulty if each.status == 0 and each.patched]
    correct = [each for each in outcomes if each.expected == "nothing"]
    wrong = [each for each in outcomes if each.expected == "reject"]
    accepted = [each for each in outcomes if each.expected == "accept"]
    failed = sum(bool(each.hidden) for each in outcomes)
    return [
        ("Programs with a first-party fault that get a proven patch", _share(patched, faulty), "at least 85 %"),
        ("Changed lines, median", _middle(patched, lambda each: each.lines), "at most 12"),
        ("The same without those that only move", _middle(patched, lambda each: each.lines - each.moved), ""),
        ("Seconds, median", _middle(patched, lambda each: each.seconds), "at most 60"),
        ("Correct programs and third-party faults left alone", _right(correct), "all"),
        ("Patches that fail a hidden test", f"{failed} of {sum(each.patched for each in outcomes)}", "none"),
        ("Wrong changes rejected", _right(wrong), "12 of 12"),
        ("Right changes accepted", _right(accepted), "all"),
    ]


def markdown(outcomes: Sequence[Outcome]) -> str:
    """Returns the summary, and a row for each program with a fault and for each change."""
    rows = ["| What | Measured | Goal |", "| --- | ---: | --- |"]
    rows += [f"| {what} | {figure} | {goal} |" for what, figure, goal in summary(outcomes)]
    rows += ["", "| Program | Result | Lines | Seconds | Last line |", "| --- | --- | ---: | ---: | --- |"]
    shown = [each for each in outcomes if each.expected != "nothing" or not each.right]
    rows += [_row(each) for each in shown]
    return "\n".join(rows)


def write(file: Path, outcomes: Sequence[Outcome]) -> None:
    """Puts the figures between the marks of a page."""
    text = file.read_text(encoding="utf-8")
    before, after = text.partition(BEGIN)[0], text.partition(END)[2]
    file.write_text(f"{before}{BEGIN}\n{markdown(outcomes)}\n{END}{after}", encoding="utf-8")


def _row(each: Outcome) -> str:
    result = {"patch": "patched", "nothing": "left alone", "accept": "accepted", "reject": "rejected"}[each.expected]
    if not each.right:
        result = f"**{'hidden test fails' if each.hidden else 'not ' + result}**"
    said = each.said.replace("|", r"\|").replace("<", "&lt;").replace("`", "'")
    return f"| {each.name} | {result} | {each.lines or ''} | {each.seconds:.0f} | {'' if each.right else said[:120]} |"


def _middle(outcomes: Sequence[Outcome], figure: Callable[[Outcome], float]) -> str:
    return f"{median(map(figure, outcomes)):.0f}" if outcomes else "none"


def _right(outcomes: Sequence[Outcome]) -> str:
    return f"{sum(each.right for each in outcomes)} of {len(outcomes)}"


def _share(found: Sequence[Outcome], all_of: Sequence[Outcome]) -> str:
    if not all_of:
        return "none"
    low, high = wilson(len(found), len(all_of))
    return f"{len(found)} of {len(all_of)} ({100 * len(found) / len(all_of):.0f} %, {low:.0f} to {high:.0f})"


def wilson(found: int, count: int) -> tuple[float, float]:
    """Returns the 95 % interval of a share, in percent."""
    z = 1.96
    share, spread = found / count, z * z / count
    middle = (share + spread / 2) / (1 + spread)
    reach = z * math.sqrt(share * (1 - share) / count + spread / (4 * count)) / (1 + spread)
    return 100 * (middle - reach), 100 * (middle + reach)
