"""The sweeps of phase 6, and the other numbers that pages and plots draw."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from diagnostics.model.cell import Environment
from diagnostics.model.codec import encode
from diagnostics.model.machine import Machine
from diagnostics.model.phase import PhaseAnswer, PhaseResult
from diagnostics.model.trial import Trial
from diagnostics.redaction import Secrets
from diagnostics.report.view.build import build_view
from diagnostics.report.view.costs import fix_costs
from diagnostics.report.view.rates import rates
from diagnostics.runs.reader import RunError, read_run
from diagnostics.runs.records import Run, Sweep
from diagnostics.runs.sweeps import sweeps_of


def record(**facts: Any) -> dict[str, Any]:
    found = PhaseResult(
        6,
        "load",
        "openai",
        Environment("e", "3.13.0"),
        Machine("", 1, ""),
        "",
        1.0,
        (PhaseAnswer("?", ("!",), facts=facts),),
    )
    record_: dict[str, Any] = json.loads(json.dumps(encode(found)))
    return record_


def point(calls: int, shown: int, trials: int) -> dict[str, int]:
    return {"runs": 3, "calls": calls, "concurrency": 1, "shown": shown, "trials": trials}


def test_loads_that_were_tried_become_points() -> None:
    data = record(by_calls=[point(5, 0, 3), point(10, 2, 3), point(100, 0, 0)], by_concurrency=[])
    assert sweeps_of(data) == (Sweep("calls", "openai", "3.13.0", ((5, 0, 3), (10, 2, 3))),)


@pytest.mark.parametrize("wrong", [point(5, 4, 3), point(5, -1, 3), {**point(5, 1, 3), "shown": "1"}])
def test_numbers_that_are_none_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"count|more often"):
        sweeps_of(record(by_calls=[wrong]))


def test_a_run_folder_may_hold_one(folder: Path) -> None:
    assert read_run(folder).sweeps == ()
    (folder / "phase6.json").write_text(json.dumps(record(by_calls=[point(5, 1, 3)])))
    (sweep,) = build_view(read_run(folder), Secrets()).sweeps
    assert sweep.points == ((5, 1, 3),)
    (folder / "phase6.json").write_text("{}")
    with pytest.raises(RunError, match=r"phase6\.json: the record: expected schema"):
        read_run(folder)


def test_rates_count_the_trials_of_the_controls(trial: Callable[..., Trial], run_of: Callable[..., Run]) -> None:
    trials = [trial("none", word, trial=number) for number, word in enumerate(["none", "raised", "logged"])]
    trials += [trial("context-manager", "raised"), trial("none", status="broken", reason="x", provider="httpx")]
    (rate,) = rates(build_view(run_of(trials), Secrets()).subjects)
    assert (rate.group, rate.name, rate.hits, rate.trials) == ("openai · httpx", "repeated-run", 2, 3)
    assert rate.interval[0] < rate.share < rate.interval[1]


def test_costs_are_the_median_and_both_ends(trial: Callable[..., Trial], run_of: Callable[..., Run]) -> None:
    trials = [trial("none", "raised", scenario=f"s{number}", connections=number * 15) for number in (1, 2, 9)]
    trials.append(trial("runner", status="broken", reason="x"))
    (baseline,) = fix_costs(build_view(run_of(trials), Secrets()))
    assert baseline.connections is not None
    assert (baseline.connections.low, baseline.connections.median, baseline.connections.high) == (1, 2, 9)
    assert baseline.time is None
    assert baseline.combinations == 3
