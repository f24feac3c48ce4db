"""Trials of one target, run one batch after the other."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from diagnostics.lab.environments import PreparedEnvironment, default_cache
from diagnostics.lab.execution.outcome import TrialPlan
from diagnostics.lab.execution.workers import Target
from diagnostics.lab.session import open_session
from diagnostics.model.cell import Cell, Environment, Load


def test_an_interpreter_that_cannot_start_gives_broken_trials(tmp_path: Path) -> None:
    nowhere = Target(tmp_path / "no-python", Environment("e", "3.13.0"))
    plan = TrialPlan(Cell("e", "openai", "repeated-run", "none", Load(1, 1, 1)), 0, "fork")

    with open_session(nowhere, cache=tmp_path / "cache", redact=str) as session:
        (result,) = session.run([plan])

    assert result.trial.status == "broken"
    assert "cannot start" in (result.trial.reason or "")


@pytest.mark.environment
def test_results_come_in_the_order_of_the_plans(environment: Callable[[str], PreparedEnvironment]) -> None:
    prepared = environment("httpx2")
    name = prepared.environment.name
    cells = [Cell(name, provider, "repeated-run", "none", Load(2, 2, 2)) for provider in ("openai", "httpx")]
    plans = [TrialPlan(cell, trial, "fork") for cell in cells for trial in range(2)]

    target = Target(prepared.python, prepared.environment)
    with open_session(target, cache=default_cache(), redact=str) as session:
        played = session.run(plans, at_once=2)
        again = session.run(plans[:1])

    assert [each.trial.key for each in played] == [plan.key for plan in plans]
    assert [each.trial.symptom for each in played[:2]] == ["raised", "raised"]
    assert [each.trial.status for each in played[2:]] == ["incompatible", "incompatible"]
    assert again[0].trial.symptom == "raised"
