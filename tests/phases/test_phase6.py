"""Phase 6: sweeps, thresholds, chance and two machines side by side."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from diagnostics.lab.execution.outcome import TrialResult
from diagnostics.model.cell import Environment, Load
from diagnostics.model.event import Event
from diagnostics.model.machine import Machine
from diagnostics.model.phase import CANNOT_TELL, KNOWN, PhaseResult
from diagnostics.phases import phase6
from diagnostics.phases.plan import PhaseOptions

Make = Callable[..., TrialResult]


def sweep(make: Make, shown: Callable[[Load, int], bool], trials: int = 5) -> list[TrialResult]:
    return [
        make("sequential-classifiers", "logged" if shown(load, trial) else "none", load=load, trial=trial)
        for load in dict.fromkeys(load for _, load in phase6.loads(PhaseOptions()))
        for trial in range(trials)
    ]


def test_the_loads_are_those_of_the_plan() -> None:
    loads = phase6.loads(PhaseOptions())

    assert [load.calls for name, load in loads if name == "calls"] == [5, 10, 50, 100]
    assert [load.concurrency for name, load in loads if name == "concurrency"] == [1, 10, 50, 100, 300]
    assert all(load.concurrency <= load.calls for _, load in loads)


def test_a_threshold_is_between_never_and_always(played: Make) -> None:
    calls, concurrency, threshold, _ = phase6.answers(sweep(played, lambda load, _: load.calls >= 50), PhaseOptions())

    assert threshold.facts == {"threshold": [10, 50]}
    assert calls.sentences[0].startswith("Yes: seen at 50")
    assert "every trial" in concurrency.sentences[0]


def test_trials_that_differ_are_chance(played: Make) -> None:
    answer = phase6.answers(sweep(played, lambda load, trial: load.calls == 50 and trial == 0), PhaseOptions())[2]

    assert answer.facts == {"threshold": None}
    assert answer.sentences[0].startswith("Chance")


def test_more_load_need_not_be_more_error(played: Make) -> None:
    calls, _, threshold, _ = phase6.answers(sweep(played, lambda load, _: load.calls in (5, 50)), PhaseOptions())

    assert calls.sentences[0].startswith("Not in one direction: seen at 5")
    assert "not at 10 and 100" in calls.sentences[0]
    assert threshold.sentences[0].startswith("No threshold")


def test_few_trials_are_not_called_sure(played: Make) -> None:
    answer = phase6.answers(sweep(played, lambda load, _: load.calls >= 50, trials=1), PhaseOptions())[0]

    assert answer.sentences[0].startswith("It seems so")


def test_never_seen_has_no_threshold(played: Make) -> None:
    assert phase6.answers(sweep(played, lambda *_: False), PhaseOptions())[2].verdict == CANNOT_TELL


def test_the_pass_that_found_an_earlier_client(played: Make, late: list[Event]) -> None:
    load = Load(3, 50, 50)
    answer = phase6.chance(
        [played("sequential-classifiers", "logged", load=load, instrumented=True, events=late)], PhaseOptions()
    )

    assert answer.verdict == KNOWN
    assert answer.facts == {"pass_seen": 1}
    assert "generation 1, while L2 ran" in answer.tables[0].rows[0][5]
    assert phase6.collections(late) == {1: 1}  # the one after the last run is not counted


def test_no_pass_while_another_loop_ran(played: Make, runs: list[Event]) -> None:
    assert phase6.finding_pass(runs) is None


def test_a_load_that_is_fixed_is_not_swept(played: Make, session: Any) -> None:
    table = session(
        lambda plan: played(plan.cell.scenario, load=plan.cell.load, instrumented=plan.instrumented, trial=plan.trial)
    )

    trials = phase6.run(table, PhaseOptions(calls=5, concurrency=5, trials=2))

    assert len(trials) == 3  # two trials and a instrumented one
    answer = phase6.answers(trials, PhaseOptions(calls=5, concurrency=5))[0]
    assert answer.verdict == CANNOT_TELL
    assert [each["trials"] for each in answer.facts["by_calls"]] == [2]  # for a comparison it will do


def findings(played: list[TrialResult], python: str) -> PhaseResult:
    answers = phase6.answers(played, PhaseOptions())
    machine = Machine("Linux", 2, "")
    return PhaseResult(6, "x", "openai", Environment("e", python), machine, "2026-11-22T00:00:00+00:00", 1.0, answers)


def test_two_machines_side_by_side(played: Make) -> None:
    mine = findings(sweep(played, lambda load, _: load.calls >= 50), "3.13.0")
    other = findings(sweep(played, lambda load, _: load.calls >= 100), "3.10.13")

    answer = phase6.compare(mine, other)

    assert answer.facts == {"differ": 1, "common": 9}
    assert "Python 3.10.13" in answer.tables[0].columns[4]


def test_nothing_in_common_cannot_be_told(played: Make) -> None:
    mine = findings(sweep(played, lambda *_: True), "3.13.0")

    assert phase6.compare(mine, findings([], "3.13.0")).verdict == CANNOT_TELL
