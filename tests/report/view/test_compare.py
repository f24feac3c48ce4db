"""What changed between two runs: nothing between a run and itself, and each change once and the right way round."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings

from diagnostics.model.cell import Environment
from diagnostics.model.trial import Trial
from diagnostics.redaction import Secrets
from diagnostics.report.formats import changes as shown
from diagnostics.report.view.build import build_view
from diagnostics.report.view.compare import compare
from diagnostics.report.view.view_models import View
from diagnostics.runs.records import Run
from tests.report.strategies import views

Make = Callable[..., Trial]
_any = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@_any
@given(views)
def test_nothing_changed_between_a_run_and_itself(view: View) -> None:
    same = compare(view, view)
    assert (same.changed, same.appeared, same.vanished, same.moved) == ((), (), (), ())


@_any
@given(views, views)
def test_the_other_way_round_is_the_opposite(one: View, other: View) -> None:
    there, back = compare(one, other), compare(other, one)
    assert (len(there.changed), there.same) == (len(back.changed), back.same)
    assert len(there.appeared) == len(back.vanished)
    opposite = {True: False, False: True, None: None}
    assert sorted(str(opposite[each.better]) for each in there.changed) == sorted(
        str(each.better) for each in back.changed
    )
    assert len(there.moved) == len(back.moved)


@pytest.fixture
def view_of(run_of: Callable[..., Run]) -> Callable[[list[Trial]], View]:
    return lambda trials: build_view(run_of(trials), Secrets())


def test_each_change_is_told_once(trial: Make, view_of: Callable[[list[Trial]], View]) -> None:
    before = view_of([trial("none", "raised"), trial("runner", "raised"), trial("single-run")])
    after = view_of([trial("none", "logged"), trial("runner"), trial("context-manager")])
    found = compare(before, after)
    assert [(each.cell.fix, each.before, each.after, each.better) for each in found.changed] == [
        ("none", "raised", "logged", True),
        ("runner", "no effect", "removes", True),
    ]
    assert [(each.cell.fix, each.after) for each in found.appeared] == [("context-manager", "removes")]
    assert [(each.cell.fix, each.before) for each in found.vanished] == [("single-run", "removes")]
    assert found.same == 0


def test_what_could_not_run_before_is_neither_better_nor_worse(
    trial: Make, view_of: Callable[[list[Trial]], View]
) -> None:
    before = view_of([trial("none", "raised"), trial("runner", status="incompatible", reason="no")])
    after = view_of([trial("none", "raised"), trial("runner")])
    (change,) = compare(before, after).changed
    assert (change.before, change.after, change.better) == ("incompatible", "removes", None)


def test_an_environment_whose_releases_moved_is_the_same_one(
    trial: Make, env: Callable[..., Environment], view_of: Callable[[list[Trial]], View]
) -> None:
    before = view_of([trial("none", "raised", environment=env("3.54.0", "httpx2", "2.16.2"))])
    after = view_of([trial("none", "none", environment=env("3.55.0", "httpx2", "2.16.2"))])
    found = compare(before, after)
    assert [(move.package, move.before, move.after) for move in found.moved] == [("openai", "3.54.0", "3.55.0")]
    (change,) = found.changed
    assert (change.before, change.after, change.better) == ("raised", "none", True)


def test_where_several_are_alike_nothing_is_guessed(
    trial: Make, env: Callable[..., Environment], view_of: Callable[[list[Trial]], View]
) -> None:
    before = view_of([trial("none", "raised", environment=env("3.54.0", "httpx2", "2.16.2"))])
    after = view_of(
        [trial("none", "raised", environment=env(version, "httpx2", "2.16.2")) for version in ("3.55.0", "3.56.0")]
    )
    found = compare(before, after)
    assert (len(found.appeared), len(found.vanished), found.moved) == (2, 1, ())


def test_an_environment_that_could_not_be_made_has_moved_nothing(sample: Run) -> None:
    view = build_view(sample, Secrets())
    missing = [replace(row, status="unavailable", python="3.13", packages={}) for row in view.environments]
    locked = [replace(row, packages={"openai": "0.0"}) for row in missing]
    assert [row.slug for row in view.environments if row.status == "ran"]
    for rows in (missing, locked):
        there = replace(view, environments=tuple(rows))
        assert (compare(view, there).moved, compare(there, view).moved) == ((), ())


def test_a_lock_that_was_made_again_shows_what_moved_in_it(sample: Run) -> None:
    def moved(trial: Trial) -> Trial:
        packages = {**trial.environment.packages, "anyio": "5.0"}
        return replace(trial, environment=replace(trial.environment, packages=packages))

    after = replace(sample, trials=tuple(map(moved, sample.trials)))
    found = compare(build_view(sample, Secrets()), build_view(after, Secrets()))
    assert [(move.package, move.before, move.after) for move in found.moved] == [("anyio", "", "5.0")]
    assert len(found.moved[0].environments) == 3


def test_both_formats_say_it(trial: Make, view_of: Callable[[list[Trial]], View]) -> None:
    before = view_of([trial("none", "raised"), trial("runner", "raised")])
    after = view_of([trial("none", "raised"), trial("runner")])
    found = compare(before, after)
    assert "1 cell changed (1 better, 0 worse)" in shown.summary(found)
    assert "    no effect -> removes  " in shown.plain(found)
    assert "| `runner` | no effect | removes | better |" in shown.markdown(found)


def test_a_long_comparison_is_cut_and_says_so(trial: Make, view_of: Callable[[list[Trial]], View]) -> None:
    trials = [trial("none", "raised", scenario=f"scenario-{number}") for number in range(2000)]
    page = shown.markdown(compare(view_of(trials[:1]), view_of(trials)))
    assert len(page) < 60_000
    assert "rows left out to keep this page short" in page
    assert "1799 more" in shown.plain(compare(view_of(trials[:1]), view_of(trials)))
