"""How often the error shows without any fix, and how sure that is. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from diagnostics.report.view.interval import wilson
from diagnostics.report.view.view_models import Subject


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
