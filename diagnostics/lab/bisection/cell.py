"""Runs a cell of the matrix, such as a scenario without a fix, in the environment of each release."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from diagnostics.lab.bisection.consensus import outcome_of
from diagnostics.lab.bisection.evaluate import NoOutcome, OutcomeSession
from diagnostics.lab.environments import PreparedEnvironment
from diagnostics.lab.execution.outcome import TrialPlan
from diagnostics.lab.execution.workers import Target
from diagnostics.lab.redactor import Redact
from diagnostics.lab.session import TrialSession, open_session
from diagnostics.model.bisection import Outcome
from diagnostics.model.cell import Cell, Load
from diagnostics.model.limits import Limits

AT_ONCE: Final = 2
"""Trials that run at the same time; retries mostly wait."""


@dataclass(frozen=True)
class CellRunner:
    """Runs one cell in any environment.

    Attributes:
        mode: `fork` or `cold`.
    """

    provider: str
    scenario: str
    fix: str
    load: Load
    mode: str
    limits: Limits
    cache: Path
    redact: Redact

    @contextmanager
    def open(self, prepared: PreparedEnvironment) -> Iterator[OutcomeSession]:
        """Starts a worker in the environment, and the server that it calls."""
        target = Target(prepared.python, prepared.environment, prepared.files)
        with open_session(target, cache=self.cache, redact=self.redact, limits=self.limits) as session:
            cell = Cell(target.environment.name, self.provider, self.scenario, self.fix, self.load)
            yield _CellSession(session, cell, self.mode)


class _CellSession:
    def __init__(self, session: TrialSession, cell: Cell, mode: str) -> None:
        self._session = session
        self._cell = cell
        self._mode = mode
        self._count = {True: 0, False: 0}

    def run(self, count: int, *, instrumented: bool) -> list[Outcome]:
        first = self._count[instrumented]
        self._count[instrumented] += count
        numbers = range(first, first + count)
        plans = [TrialPlan(self._cell, number, self._mode, instrumented=instrumented) for number in numbers]
        trials = [result.trial for result in self._session.run(plans, at_once=AT_ONCE)]
        for trial in trials:
            if trial.status != "ran":
                raise NoOutcome(f"{trial.status}: {trial.reason}")
        return [outcome_of(trial) for trial in trials]
