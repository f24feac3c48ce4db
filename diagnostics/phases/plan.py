"""What a phase of the debugging plan is: trials to run, and questions that their results answer.

The debugging plan is the checklist that the six phases work through: which run fails, what happens to loops and to
clients, which fixes help, in which versions and at which load. A phase runs trials in a session and answers its
questions from the results. Both parts are plain functions, so the answers can be tested on any records.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from diagnostics.lab.execution.outcome import TrialPlan, TrialResult
from diagnostics.lab.execution.workers import Target
from diagnostics.model.cell import BASELINE, Cell, Load
from diagnostics.model.phase import PhaseAnswer, PhaseResult

FAILING: Final = "sequential-classifiers"
"""The scenario of the debugging plan: several configurations one after the other, each with a client and a loop."""


@dataclass(frozen=True)
class PhaseOptions:
    """What a person asked for; `None` stands for the phase's own choice.

    Attributes:
        instrument: whether every trial is instrumented and its events are printed as they happen.
        others: whether phase 5 also runs in the other prepared environments.
    """

    provider: str = "openai"
    runs: int | None = None
    calls: int | None = None
    concurrency: int | None = None
    trials: int | None = None
    instrument: bool = False
    others: bool = True

    def load(self, *, runs: int, calls: int, concurrency: int | None = None) -> Load:
        """Returns a load; what was asked for replaces the phase's own numbers."""
        calls = self.calls or calls
        return Load(self.runs or runs, calls, self.concurrency or min(concurrency or calls, calls))


class Session(Protocol):
    """Runs trials in one environment, as `lab.session.TrialSession` does."""

    @property
    def target(self) -> Target:
        """Where the trials run."""

    def run(self, plans: Sequence[TrialPlan], *, at_once: int = 1) -> list[TrialResult]:
        """Returns the results in the order of the plans."""

    def others(self, provider: str) -> Iterator[Session]:
        """Yields a session for each other environment that is prepared and has this provider."""


@dataclass(frozen=True)
class Phase:
    """One phase of the debugging plan.

    Attributes:
        run: runs the trials that answer the questions.
        answers: answers the questions; pure.
        compare: describes the differences between two runs of the phase, if that is one of its questions.
    """

    number: int
    title: str
    run: Callable[[Session, PhaseOptions], list[TrialResult]]
    answers: Callable[[Sequence[TrialResult], PhaseOptions], tuple[PhaseAnswer, ...]]
    compare: Callable[[PhaseResult, PhaseResult], PhaseAnswer] | None = None


def plans(
    environment: str,
    provider: str,
    scenario: str,
    load: Load,
    *,
    trials: int,
    fix: str = BASELINE,
    instrumented: bool = False,
) -> list[TrialPlan]:
    """Returns the trials of one cell."""
    cell = Cell(environment, provider, scenario, fix, load)
    return [TrialPlan(cell, trial, "fork", instrumented=instrumented) for trial in range(trials)]
