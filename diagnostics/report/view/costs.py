"""What each fix costs over all combinations that it ran in. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from statistics import median

from diagnostics.model.cell import BASELINE
from diagnostics.report.view.view_models import Cost, View


@dataclass(frozen=True)
class Spread:
    """The minimum, median and maximum of some numbers."""

    low: float
    median: float
    high: float


@dataclass(frozen=True)
class FixCost:
    """What one fix, or the baseline, costs; a spread is `None` where there is nothing to divide by.

    Attributes:
        time: against one long loop in the same environment and scenario.
        fds: the most descriptors that any trial left after its runs; `threads` likewise.
        combinations: how many it ran in.
    """

    fix: str
    connections: Spread | None
    requests: Spread | None
    time: Spread | None
    fds: int
    threads: int
    combinations: int


def fix_costs(view: View) -> tuple[FixCost, ...]:
    """The baseline first, then the fixes in the order of the view; those that ran nowhere are left out."""
    found = []
    for fix in (BASELINE, *view.fixes):
        results = [subject.result(fix) for subject in view.subjects]
        costs = [result.cost for result in results if result is not None and result.cost is not None]
        if costs:
            found.append(
                FixCost(
                    fix,
                    connections=_spread(costs, lambda cost: cost.connections_per_call),
                    requests=_spread(costs, lambda cost: cost.requests_per_call),
                    time=_spread(costs, lambda cost: cost.time_ratio),
                    fds=max(cost.fds_left for cost in costs),
                    threads=max(cost.threads_left for cost in costs),
                    combinations=len(costs),
                )
            )
    return tuple(found)


def _spread(costs: Iterable[Cost], of: Callable[[Cost], float | None]) -> Spread | None:
    numbers = [number for number in map(of, costs) if number is not None]
    return Spread(min(numbers), median(numbers), max(numbers)) if numbers else None
