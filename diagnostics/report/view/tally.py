"""Counts the verdicts of a fix over several combinations."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from diagnostics.report.view.view_models import Subject

MARKS = {
    "removes": "✅",
    "hides": "🟠",
    "no effect": "❌",
    "worsens": "⛔",
    "inconclusive": "❔",
    "not reproduced": "·",
}
"""The sign of each verdict in a table."""

IMPOSSIBLE_MARK = "—"
"""The sign where a fix was not tried, or is not possible."""


@dataclass(frozen=True)
class Tally:
    """How often each verdict was given; `impossible` counts combinations in which the fix could not run.

    Attributes:
        trials: how many trials with the fix the verdicts rest on.
    """

    removes: int = 0
    hides: int = 0
    no_effect: int = 0
    worsens: int = 0
    inconclusive: int = 0
    not_reproduced: int = 0
    impossible: int = 0
    trials: int = 0

    @property
    def said(self) -> int:
        """The number of combinations in which the fix can be judged."""
        return self.removes + self.hides + self.no_effect + self.worsens

    @property
    def by_verdict(self) -> dict[str, int]:
        """The verdicts that say something, and the undecided ones, to their counts; the best first, no zeros."""
        counts = {
            "removes": self.removes,
            "hides": self.hides,
            "no effect": self.no_effect,
            "worsens": self.worsens,
            "inconclusive": self.inconclusive,
        }
        return {verdict: count for verdict, count in counts.items() if count}

    def in_words(self) -> str:
        """Such as `removes 9, hides 2`; "·" where nothing was reproduced, "—" where the fix could not run."""
        words = ", ".join(f"{verdict} {count}" for verdict, count in self.by_verdict.items())
        return words or self._nothing

    def in_marks(self) -> str:
        """The same with signs: `✅ 9 🟠 2`."""
        marks = " ".join(f"{MARKS[verdict]} {count}" for verdict, count in self.by_verdict.items())
        return marks or self._nothing

    @property
    def _nothing(self) -> str:
        return MARKS["not reproduced"] if self.not_reproduced else IMPOSSIBLE_MARK


def tally(subjects: Iterable[Subject], fix: str) -> Tally:
    """Counts what a fix did over some subjects."""
    counts: Counter[str] = Counter()
    for subject in subjects:
        result = subject.result(fix)
        if result is not None:
            counts[(result.verdict or "impossible").replace(" ", "_")] += 1
            counts["trials"] += result.ran
    return Tally(**counts)


def columns(subjects: Iterable[Subject]) -> dict[str, list[Subject]]:
    """Subjects by provider and HTTP stack, such as `openai · httpx2`, in alphabetical order."""
    found: dict[str, list[Subject]] = {}
    for subject in sorted(subjects, key=lambda subject: subject.column):
        found.setdefault(subject.column, []).append(subject)
    return found


def scenarios(subjects: Iterable[Subject]) -> dict[str, list[Subject]]:
    """Subjects by scenario, in alphabetical order; the load is part of the name where a run holds several."""
    every = list(subjects)
    several = len({subject.load for subject in every}) > 1
    found: dict[str, list[Subject]] = {}
    for subject in every:
        found.setdefault(scenario_name(subject, several), []).append(subject)
    return dict(sorted(found.items()))


def scenario_name(subject: Subject, with_load: bool) -> str:
    """The scenario, and its load where that tells subjects apart: `fork 3×5/5 r2`."""
    load = subject.load
    suffix = f" {load.runs}×{load.calls}/{load.concurrency} r{load.retries}" if with_load else ""
    return subject.scenario + suffix
