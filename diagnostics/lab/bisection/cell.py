"""Plays a cell of the matrix: provider, scenario, fix and load, as in a run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from diagnostics.lab.bisection.consensus import outcome_of
from diagnostics.lab.bisection.evaluate import NoOutcome, Session
from diagnostics.lab.environments import PreparedEnvironment
from diagnostics.lab.execution.outcome import TrialPlan
from diagnostics.lab.target import Target, TrialSession
from diagnostics.model.bisection import Outcome
from diagnostics.model.cell import Cell, Load

AT_ONCE = 2
"""Trials in flight: retries mostly wait."""


@dataclass(frozen=True)
class CellRunner:
    """Plays one cell in whatever environment it is given.

    Attributes:
        mode: `fork` or `cold`.
        timeout: seconds a trial may take.
    """

    provider: str
    scenario: str
    fix: str
    load: Load
    mode: str
    timeout: float
    cache: Path
    redact: Callable[[str], str]

    @contextmanager
    def open(self, prepared: PreparedEnvironment) -> Iterator[Session]:
        """A worker in the environment, and the server that it calls."""
        target = Target(prepared.python, prepared.environment)
        with TrialSession(target, cache=self.cache, redact=self.redact, timeout=self.timeout) as session:
            yield _CellSession(self, session)


class _CellSession:
    def __init__(self, player: CellRunner, session: TrialSession) -> None:
        self._ward = session
        self._mode = player.mode
        name = session.target.environment.name
        self._cell = Cell(name, player.provider, player.scenario, player.fix, player.load)
        self._played = {True: 0, False: 0}

    def play(self, count: int, *, instrumented: bool) -> list[Outcome]:
        first = self._played[instrumented]
        self._played[instrumented] += count
        plans = [TrialPlan(self._cell, number, self._mode, instrumented) for number in range(first, first + count)]
        trials = [played.trial for played in self._ward.play(plans, at_once=AT_ONCE)]
        for trial in trials:
            if trial.status != "ran":
                raise NoOutcome(f"{trial.status}: {trial.reason}")
        return [outcome_of(trial) for trial in trials]
