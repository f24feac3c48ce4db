"""A trial that ends its worker is given up alone; the others of its environment are played."""

from __future__ import annotations

import os
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from diagnostics.lab.execution.outcome import TrialPlan
from diagnostics.lab.execution.trials import ATTEMPTS, MOST_LOST, run_trials
from diagnostics.lab.execution.work import Spans
from diagnostics.lab.execution.worker import Worker
from diagnostics.model.cell import Cell, Environment, Load

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from diagnostics.lab.server import ProviderServer

pytestmark = pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="needs Linux")

SOMEWHERE = Environment("somewhere", "3.11.0")


def plan(number: int, runs: int = 1) -> TrialPlan:
    return TrialPlan(Cell("somewhere", "openai", "repeated-run", "context-manager", Load(runs, 1, 1)), number, "fork")


class Hired:
    """Workers of one environment, counted."""

    def __init__(self, python: Path, inside: Path, server: ProviderServer) -> None:
        self.count = 0
        self._arguments = python, inside, server

    @contextmanager
    def hire(self) -> Iterator[Worker]:
        self.count += 1
        with Worker(*self._arguments) as worker:
            yield worker


@pytest.mark.parametrize("at_once", [1, 3])
def test_it_alone_is_given_up(
    at_once: int, broken: Callable[[str], Path], inside: Path, server: ProviderServer
) -> None:
    hired = Hired(broken("one_question_kills_the_worker"), inside, server)
    bad = plan(0, runs=2)
    good = [plan(number) for number in range(6)]
    spans: Spans = []
    began = time.perf_counter()
    asked = [*good[:2], bad, *good[2:]]
    played = run_trials(asked, SOMEWHERE, hired.hire, at_once=at_once, redact=str, spans=spans)
    trials = {result.trial.key: result.trial for result in played}
    assert {key: trial.status for key, trial in trials.items()} == {
        bad.key: "broken",
        **dict.fromkeys((one.key for one in good), "ran"),
    }
    reason = trials[bad.key].reason or ""
    assert f"{ATTEMPTS} workers ended while this trial ran" in reason
    assert "status -9" in reason
    assert hired.count == len(spans) == ATTEMPTS + 1
    assert all(began <= start <= end <= time.perf_counter() for start, end in spans)


def test_where_each_of_them_does_it_ends(broken: Callable[[str], Path], inside: Path, server: ProviderServer) -> None:
    hired = Hired(broken("kills_the_worker"), inside, server)
    asked = [plan(number) for number in range(3 * MOST_LOST)]
    played = run_trials(asked, SOMEWHERE, hired.hire, at_once=2, redact=str)
    trials = [result.trial for result in played]
    assert sorted(trial.key for trial in trials) == sorted(one.key for one in asked)
    assert {trial.status for trial in trials} == {"broken"}
    assert hired.count <= 2 * MOST_LOST
