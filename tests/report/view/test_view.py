"""The view says what the records say, whatever order they come in."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from diagnostics.model.cell import Environment, Load
from diagnostics.model.cures import RANKING
from diagnostics.model.trial import FindingCount, Trial
from diagnostics.redaction import Secrets
from diagnostics.report.view.build import build_view
from diagnostics.report.view.view_models import FixOutcome, View
from diagnostics.runs.reader import read_run
from diagnostics.runs.records import EnvironmentRow, Run

Make = Callable[..., Trial]
LEAK = (FindingCount("client-left-open", "leak", 1),)
NOBODY = Secrets()


@pytest.fixture
def result(run_of: Callable[..., Run]) -> Callable[..., FixOutcome]:
    """The result of one fix from trials of a single subject."""

    def find(trials: list[Trial], fix: str) -> FixOutcome:
        (subject,) = build_view(run_of(trials), NOBODY).subjects
        found = subject.result(fix)
        assert found is not None
        return found

    return find


def test_the_order_of_the_records_is_irrelevant(sample: Run) -> None:
    shuffled = list(sample.trials)
    random.Random(7).shuffle(shuffled)
    rows = sample.environments[::-1]
    assert build_view(replace(sample, trials=tuple(shuffled), environments=rows), NOBODY) == build_view(sample, NOBODY)


def test_the_ranking_of_fixes_is_what_the_committed_run_measured() -> None:
    committed = Path(__file__).parents[3] / "reports" / "sample"
    assert build_view(read_run(committed), None).fixes == RANKING


def test_a_record_that_is_there_twice_counts_once(sample: Run) -> None:
    twice = replace(sample, trials=sample.trials * 2)
    assert build_view(twice, NOBODY) == build_view(sample, NOBODY)


def test_the_symptom_is_the_worst_and_says_when_trials_differ(trial: Make, result: Callable[..., FixOutcome]) -> None:
    baseline = result(
        [trial("none", word, trial=number) for number, word in enumerate(["logged", "raised", "none"])], "none"
    )
    assert baseline.symptom == "raised"
    assert baseline.differ
    assert baseline.symptoms == {"none": 1, "logged": 1, "raised": 1}
    assert baseline.verdict is None
    assert not result([trial("none", "logged", trial=number) for number in range(2)], "none").differ


def test_unwatched_trials_decide_the_symptom_and_watched_ones_give_the_findings(
    trial: Make, result: Callable[..., FixOutcome]
) -> None:
    baseline = trial("none", "logged")
    uninstrumented, instrumented = trial("runner"), trial("runner", instrumented=True, findings=LEAK)
    found = result([baseline, uninstrumented, instrumented], "runner")
    assert (found.symptom, found.trials, found.instrumented) == ("none", 1, 1)
    assert found.findings == LEAK
    assert found.verdict == "hides"
    assert result([baseline, uninstrumented], "runner").verdict == "removes"


def test_a_verdict_rests_on_every_trial_watched_or_not(trial: Make, result: Callable[..., FixOutcome]) -> None:
    trials = [trial("none", "logged"), trial("runner"), trial("runner", "raised", instrumented=True)]
    found = result(trials, "runner")
    assert found.symptom == "none"
    assert found.verdict == "inconclusive"


def test_watched_trials_decide_where_there_are_no_others(trial: Make, result: Callable[..., FixOutcome]) -> None:
    trials = [trial("none", "logged"), trial("runner", "raised", instrumented=True)]
    assert result(trials, "runner").symptom == "raised"


def test_costs_are_per_call_and_times_against_one_long_loop(trial: Make, result: Callable[..., FixOutcome]) -> None:
    trials = [
        trial("none", "logged"),
        trial("single-run", seconds=0.2),
        trial("runner", seconds=0.3, connections=15, requests=30, fds_left=2, threads_left=1),
        trial("runner", seconds=0.5, connections=0, requests=15, trial=1, fds_left=1),
    ]
    cost = result(trials, "runner").cost
    assert cost is not None
    assert (cost.connections_per_call, cost.requests_per_call, cost.time_ratio) == (0.5, 1.5, 2.0)
    assert (cost.fds_left, cost.threads_left) == (2, 1)
    without = result([trials[0], trials[2]], "runner").cost
    assert without is not None
    assert without.time_ratio is None


def test_a_cell_without_calls_has_no_cost_per_call(trial: Make, result: Callable[..., FixOutcome]) -> None:
    cost = result([trial("none", "crash", calls=0, answers=0, requests=0)], "none").cost
    assert cost is not None
    assert cost.requests_per_call is cost.connections_per_call is cost.time_ratio is None


def test_what_did_not_run_says_why_and_has_no_verdict(trial: Make, result: Callable[..., FixOutcome]) -> None:
    found = result([trial("none", "logged"), trial("runner", status="incompatible", reason="no runner")], "runner")
    assert (found.status, found.reason, found.verdict, found.cost) == ("incompatible", "no runner", None, None)


def test_another_load_is_another_subject(trial: Make, run_of: Callable[..., Run]) -> None:
    trials = [trial("none", "logged"), trial("none", load=Load(calls=50)), trial("runner", load=Load(calls=50))]
    small, large = build_view(run_of(trials), NOBODY).subjects
    assert (small.baseline and small.baseline.symptom, small.fixes) == ("logged", ())
    assert [found.verdict for found in large.fixes] == ["not reproduced"]


def test_evidence_reasons_and_the_command_are_redacted(trial: Make, run_of: Callable[..., Run]) -> None:
    secret = "/home/marple/x.py sk-abcdefghijkl"
    row = EnvironmentRow("gone", "gone", "unavailable", secret, "3.15", {})
    trials = [
        trial("none", "logged", evidence=secret),
        trial("runner", status="broken", reason=secret),
    ]
    run = replace(run_of(trials, (row,), command=("nox", secret)), warnings=(secret,))
    view = build_view(run, Secrets(user="marple"))
    assert "marple" not in repr(view)
    assert "abcdefghijkl" not in repr(view)


def test_environments_are_labelled_in_order_and_none_is_missing(sample: Run) -> None:
    view = build_view(sample, NOBODY)
    assert [row.label for row in view.environments] == ["E1", "E2", "E3", "E4", "E5"]
    assert view.totals.environments == {"ran": 3, "unsatisfiable": 1, "unavailable": 1}
    assert {group.status for group in view.impossible} == {"unsatisfiable", "unavailable", "incompatible"}


def test_the_totals_add_up(sample: Run) -> None:
    totals = build_view(sample, NOBODY).totals
    assert totals.trials == len(sample.trials) == sum(totals.statuses.values())
    assert sum(totals.symptoms.values()) == totals.statuses["ran"]


def test_an_environment_ran_if_a_trial_of_it_did(
    trial: Make, env: Callable[..., Environment], run_of: Callable[..., Run]
) -> None:
    one, other, third = (env("3.54.0", "httpx2", "2.16.2", python) for python in ("3.11.0", "3.12.0", "3.13.0"))
    rows = tuple(
        EnvironmentRow(each.name, each.name, "ran", None, each.python, each.packages) for each in (one, other, third)
    )
    trials = [trial(environment=one), trial(environment=other, status="incompatible", reason="no")]
    view = build_view(run_of(trials, rows), NOBODY)
    assert view.totals.environments == {"ran": 1, "incompatible": 1}
    assert {row.name for row in view.environments} == {one.name, other.name}, "in the third nothing was tried yet"


def test_fixes_come_in_the_order_of_what_they_remove(sample: Run) -> None:
    fixes = build_view(sample, NOBODY).fixes
    assert fixes[:3] == ("context-manager", "single-run", "background-loop")
    assert fixes[-1] == "aiohttp-transport", "nothing can be said of it"
    assert "none" not in fixes


def _lines(view: View) -> list[list[tuple[str, str, str]]]:
    return [[(part.first, part.last, part.symptom) for part in history.stretches] for history in view.histories]


def test_a_history_is_stretches_of_releases(
    trial: Make, env: Callable[..., Environment], run_of: Callable[..., Run]
) -> None:
    seen = [("1.9.0", "none"), ("1.10.0", "logged"), ("2.0.0rc1", "logged"), ("2.0.0", "raised")]
    trials = [trial("none", word, environment=env(version, "httpx", "0.28.1")) for version, word in seen]
    view = build_view(run_of(trials[::-1]), NOBODY)
    assert _lines(view) == [
        [
            ("1.9.0 (httpx 0.28.1)", "1.9.0 (httpx 0.28.1)", "none"),
            ("1.10.0 (httpx 0.28.1)", "2.0.0rc1 (httpx 0.28.1)", "logged"),
            ("2.0.0 (httpx 0.28.1)", "2.0.0 (httpx 0.28.1)", "raised"),
        ]
    ]


def test_pythons_have_histories_of_their_own_and_one_release_is_none(
    trial: Make, env: Callable[..., Environment], run_of: Callable[..., Run]
) -> None:
    trials = [
        trial("none", "logged", environment=env("1.0", "httpx", "0.28.1", "3.12.1")),
        trial("none", "none", environment=env("2.0", "httpx", "0.28.1", "3.12.1")),
        trial("none", "none", environment=env("1.0", "httpx", "0.28.1", "3.13.0")),
        trial("runner", "none", environment=env("2.0", "httpx", "0.28.1", "3.13.0")),
    ]
    (history,) = build_view(run_of(trials), NOBODY).histories
    assert (history.python, history.releases, history.newest.symptom) == ("3.12.1", 2, "none")


def test_the_stack_beneath_tells_columns_apart(sample: Run) -> None:
    assert {subject.column for subject in build_view(sample, NOBODY).subjects} == {"openai · httpx", "openai · httpx2"}


def test_a_timeline_says_whose_it_is_and_hides_what_is_to_be_hidden(sample: Run) -> None:
    ((key, events),) = sample.timelines.items()
    told = (replace(events[0], detail="by alice", thread="alice-1"), *events[1:])

    (timeline,) = build_view(replace(sample, timelines={key: told}), Secrets(user="alice")).timelines

    (instrumented,) = [each for each in sample.trials if each.key == key]
    assert (timeline.provider, timeline.scenario, timeline.fix) == (*instrumented.cell.subject[1:], "none")
    assert timeline.symptom == instrumented.symptom
    assert timeline.environment in {subject.environment.label for subject in build_view(sample, NOBODY).subjects}
    assert (timeline.events[0].detail, timeline.events[0].thread) == ("by <user>", "<user>-1")
    assert timeline.events[1:] == events[1:]
