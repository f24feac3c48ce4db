"""What phases 2 and 3 read off the events."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from diagnostics.lab.execution.outcome import TrialResult
from diagnostics.model.event import Event
from diagnostics.model.phase import CANNOT_TELL
from diagnostics.phases import phase2, phase3
from diagnostics.phases.plan import PhaseOptions

Make = Callable[..., TrialResult]


@pytest.fixture
def instrumented(played: Make, late: list[Event], runs: list[Event]) -> dict[str, TrialResult]:
    return phase2.instrumented(
        [
            played("sequential-classifiers", "logged", instrumented=True, events=late),
            played("repeated-run", "raised", instrumented=True, events=runs),
        ]
    )


def test_a_loop_for_each_object(instrumented: dict[str, TrialResult]) -> None:
    assert phase2.new_for_each(instrumented).facts["new_loop_for_each"] == {
        "sequential-classifiers": True,
        "repeated-run": True,
    }


def test_a_loop_that_is_run_twice_is_reused(played: Make, diary: Callable[[], Callable[..., object]]) -> None:
    book = diary()
    for what in ("created", "entered", "left", "entered", "left"):
        book("L1", what)

    answer = phase2.new_for_each({"repeated-run": played("repeated-run", instrumented=True, events=book.events)})  # type: ignore[attr-defined]

    assert answer.facts["new_loop_for_each"] == {"repeated-run": False}


def test_what_closes_the_loop_is_named_by_function_and_file(instrumented: dict[str, TrialResult]) -> None:
    answer = phase2.what_closes(instrumented)

    assert answer.facts["closed_by"] == {
        "sequential-classifiers": ["BaseEventLoop.__del__ (asyncio/base_events.py:762)"],
        "repeated-run": ["Runner.close (asyncio/base_events.py:762)"],
    }
    assert "run by the collector" in answer.sentences[0]
    assert any("1 loop of `sequential-classifiers` stayed open" in sentence for sentence in answer.sentences)
    assert any("generation 1" in cell for row in answer.tables[0].rows for cell in row)


def test_loops_between_configurations(instrumented: dict[str, TrialResult]) -> None:
    assert phase2.closed_between(instrumented).facts["closed_between"] == {
        "sequential-classifiers": 0,
        "repeated-run": 1,
    }


def test_the_loop_went_before_its_client(instrumented: dict[str, TrialResult]) -> None:
    assert phase2.timing(instrumented).facts["loop_closed_first"] == {"sequential-classifiers": 1, "repeated-run": 0}


def test_a_finaliser_on_another_loop_is_counted(instrumented: dict[str, TrialResult]) -> None:
    answer = phase3.finalised(instrumented)

    assert answer.facts["finalised_on_another_loop"] == {"sequential-classifiers": 1, "repeated-run": 0}
    assert ("`sequential-classifiers`", "C1", "event 12", "by the collector", "L1", "closed", "L2") in answer.tables[
        0
    ].rows


def test_a_client_on_two_loops_is_named(instrumented: dict[str, TrialResult]) -> None:
    assert "C1 used on more than one loop" in phase3.created(instrumented).sentences[1]


def test_the_touch_is_named(instrumented: dict[str, TrialResult]) -> None:
    (touch,) = phase3.touched(instrumented).facts["touches"]
    assert touch.startswith("connection.aclose by `aclose`")


def test_no_touch_is_an_answer(played: Make, runs: list[Event]) -> None:
    answer = phase3.touched({"repeated-run": played("repeated-run", instrumented=True, events=runs)})

    assert answer.facts == {"touches": []}


@pytest.mark.parametrize("phase", [phase2, phase3])
def test_unwatched_trials_tell_nothing(phase: object, played: Make) -> None:
    answers = phase.answers([played("repeated-run", "raised")], PhaseOptions())  # type: ignore[attr-defined]

    assert {answer.verdict for answer in answers} == {CANNOT_TELL}
