"""How often the error shows without any fix, and how sure that is. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from diagnostics.report.view.interval import wilson
from diagnostics.report.view.phrasing import count
from diagnostics.report.view.view_models import FixOutcome, Subject


@dataclass(frozen=True)
class Rate:
    """A share that was counted.

    Attributes:
        group: the provider and the HTTP stack beneath it.
        name: the scenario.
    """

    group: str
    name: str
    hits: int
    trials: int

    @property
    def share(self) -> float:
        """Between 0 and 1."""
        return self.hits / self.trials

    @property
    def interval(self) -> tuple[float, float]:
        """The ends of the 95 % interval."""
        return wilson(self.hits, self.trials)


def rates(subjects: Sequence[Subject]) -> tuple[Rate, ...]:
    """The baselines' trials that showed any symptom, by provider and scenario, over all environments."""
    hits: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
    for subject in subjects:
        baseline = subject.baseline
        if baseline is not None and baseline.trials:
            count = hits[subject.column, subject.scenario]
            count[0] += baseline.trials - baseline.symptoms.get("none", 0)
            count[1] += baseline.trials
    return tuple(Rate(group, name, seen, trials) for (group, name), (seen, trials) in sorted(hits.items()))


def why_enough(subjects: Sequence[Subject]) -> str:
    """How many trials each verdict rests on, and why that is enough; "" where there is no verdict."""
    judged = [
        (result, subject.baseline)
        for subject in subjects
        for result in subject.fixes
        if result.verdict and subject.baseline is not None and subject.baseline.ran
    ]
    if not judged:
        return ""
    fixed, unfixed = zip(*judged, strict=True)
    least = min(result.ran for result in fixed)
    said = f"Each verdict compares {_span(fixed)} with the fix and {_span(unfixed)} without it. "
    if all(result.instrumented for result in fixed):
        said += "What the sanitizer finds is the same in every trial, so one instrumented trial is enough for that. "
    return said + (
        f"A symptom is a rate: none in {count(least, 'trial')} leaves up to {wilson(0, least)[1]:.0%} (95 % interval)."
    ).replace("% (", " % (")


def _span(results: Sequence[FixOutcome]) -> str:
    low, high = (which(result.ran for result in results) for which in (min, max))
    return count(high, "trial") if low == high else f"{low} to {count(high, 'trial')}"
