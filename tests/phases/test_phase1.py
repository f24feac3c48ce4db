"""Phase 1's answers, from trials of any origin."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from diagnostics.lab.execution.outcome import TrialResult
from diagnostics.model.cell import Load
from diagnostics.model.event import Event
from diagnostics.model.phase import CANNOT_TELL, KNOWN
from diagnostics.phases import phase1
from diagnostics.phases.plan import PhaseOptions

Make = Callable[..., TrialResult]


def trials(make: Make, **symptoms: str) -> list[TrialResult]:
    """One trial of each scenario; `outside`, `inside`, `neither` and `kept` name the symptoms."""
    return [
        make("gc-between-runs", symptoms.get("outside", "none")),
        make("gc-inside-run", symptoms.get("inside", "logged"), fds_left=25),
        make("keep-references", symptoms.get("kept", "none"), fds_left=100),
        *(make("sequential-classifiers", symptoms.get("neither", "none"), load=Load(n, 50, 50)) for n in (1, 2)),
        make("sequential-classifiers", "logged", load=Load(3, 50, 50), fds_left=106),
        *(make("repeated-run", "raised" if n > 1 else "none", load=Load(n, 50, 50)) for n in (1, 2, 3)),
    ]


def test_the_first_failing_configuration_is_the_smallest_number_of_runs_with_a_symptom(played: Make) -> None:
    answer = phase1.failing_run(trials(played))

    assert answer.facts["first_failing"] == {"sequential-classifiers": 3, "repeated-run": 2}
    assert "run 3: `RuntimeError: Event loop is closed`" in answer.sentences[0]
    assert "The first run never fails" in answer.sentences[-1]


def test_a_scenario_that_shows_nothing_is_said_to(played: Make) -> None:
    silent = [played("sequential-classifiers", load=Load(n, 5, 5)) for n in (1, 2, 3)]

    answer = phase1.failing_run(silent)

    assert answer.facts["first_failing"]["sequential-classifiers"] is None
    assert "nothing with up to 3" in answer.sentences[0]


def test_without_any_trial_nothing_can_be_told() -> None:
    assert {answer.verdict for answer in phase1.answers((), PhaseOptions())} == {CANNOT_TELL}


def test_collection_prevents_outside_and_causes_inside(played: Make) -> None:
    answer = phase1.deletion(trials(played))

    assert answer.facts == {"collection_between_runs": "prevents", "collection_inside_run": "causes"}


def test_collection_that_fails_in_both_places_causes_it(played: Make) -> None:
    answer = phase1.deletion(trials(played, outside="logged"))

    assert answer.facts["collection_between_runs"] == "causes"


def test_collection_that_never_fails_is_neither(played: Make) -> None:
    answer = phase1.deletion(trials(played, inside="none"))

    assert answer.facts == {"collection_between_runs": "neither", "collection_inside_run": "neither"}


def test_kept_references_leave_descriptors(played: Make) -> None:
    answer = phase1.kept(trials(played))

    assert answer.facts == {"kept_fails": False}
    assert "100 descriptors" in answer.sentences[0]


def test_states_need_a_watched_trial(played: Make) -> None:
    assert phase1.states(trials(played)).verdict == CANNOT_TELL


def test_states_are_read_off_the_events(played: Make, late: list[Event], runs: list[Event]) -> None:
    instrumented = [
        played("sequential-classifiers", instrumented=True, events=late),
        played("repeated-run", instrumented=True, events=runs),
    ]

    answer = phase1.states([*trials(played), *instrumented])

    assert answer.verdict == KNOWN
    rows = answer.tables[0].rows
    assert ("`sequential-classifiers`", "2", "L2: open, then open", "L1 open", "C2: open", "C1 open") in rows
    assert ("`repeated-run`", "2", "L2: open, then closed", "L1 closed", "C1: open", "C1 open") in rows


def test_what_it_plays(played: Make, session: Any) -> None:
    table = session(
        lambda plan: played(plan.cell.scenario, load=plan.cell.load, instrumented=plan.instrumented, trial=plan.trial)
    )

    phase1.run(table, PhaseOptions(calls=5, trials=1))

    scenarios = {(plan.cell.scenario, plan.instrumented) for plan in table.asked if plan.cell.load.runs == 2}
    assert scenarios == {(scenario, instrumented) for scenario in phase1.SCENARIOS for instrumented in (False, True)}
    assert {plan.cell.load.runs for plan in table.asked if plan.cell.scenario == "repeated-run"} == {1, 2, 3}
    assert {plan.cell.load.calls for plan in table.asked} == {5}
    assert len({plan.key for plan in table.asked}) == len(table.asked)
