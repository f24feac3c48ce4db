"""The laws of verdicts: what must hold for any trials of a baseline and of a fix."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from diagnostics.model.cell import Environment
from diagnostics.model.codec import decode
from diagnostics.model.trial import Accounting, FindingCount, Trial
from diagnostics.model.verdict import Level, judge, level
from diagnostics.model.words import SYMPTOMS, VERDICTS

_BADNESS = ["removes", "hides", "no effect", "worsens"]
_SYMPTOM = {
    Level.RETRIED: "retried",
    Level.LOGGED: "logged",
    Level.RAISED: "raised",
    Level.HANG: "hang",
    Level.CRASH: "crash",
}
_levels = st.sampled_from(list(Level))
_some_silent = st.sampled_from([Level.LEAKING, Level.RETRIED])
_dirty = st.sampled_from([found for found in Level if found != Level.CLEAN])


def _trial_at(wanted: Level) -> Trial:
    record = {
        "schema": "diagnostics.trial/2",
        "key": "k",
        "trial": 0,
        "mode": "fork",
        "instrumented": True,
        "environment": "e",
        "provider": "openai",
        "scenario": "s",
        "fix": "f",
        "load": {"runs": 1, "calls": 1, "concurrency": 1, "retries": 0},
        "status": "ran",
        "reason": None,
        "symptom": _SYMPTOM.get(wanted, "none"),
        "evidence": None,
        "findings": [{"kind": "client-left-open", "severity": "leak", "count": 1}] if wanted == Level.LEAKING else [],
        "accounting": {"calls": 1, "answers": 1, "requests": 1},
    }
    return decode(Trial, record, {"e": Environment("e", "3.13.0")})


def _judge(baseline: list[Level], fixed: list[Level]) -> str:
    return judge([_trial_at(found) for found in baseline], [_trial_at(found) for found in fixed])


_some = st.lists(_levels, min_size=1, max_size=4)
_any = st.lists(_levels, max_size=4)


@given(_levels)
def test_a_trial_has_the_level_of_what_is_wrong_with_it(wanted: Level) -> None:
    assert level(_trial_at(wanted)) == wanted


@given(_any, _any)
def test_a_verdict_is_always_one_of_the_words(baseline: list[Level], fixed: list[Level]) -> None:
    assert _judge(baseline, fixed) in VERDICTS


@given(_any, _any, st.data())
def test_order_and_repetition_of_trials_are_irrelevant(
    baseline: list[Level], fixed: list[Level], data: st.DataObject
) -> None:
    again = data.draw(st.permutations(baseline)), data.draw(st.permutations(fixed))
    assert _judge(*again) == _judge(baseline, fixed)
    assert _judge(baseline * 2, fixed * 3) == _judge(baseline, fixed)


@given(st.integers(1, 4), _some)
def test_a_clean_control_says_nothing_of_any_fix(trials: int, fixed: list[Level]) -> None:
    assert _judge([Level.CLEAN] * trials, fixed) == "not reproduced"


@given(_any, _any)
def test_removes_implies_that_every_trial_is_clean_and_no_control_was(
    baseline: list[Level], fixed: list[Level]
) -> None:
    if _judge(baseline, fixed) == "removes":
        assert set(fixed) == {Level.CLEAN}
        assert baseline
        assert Level.CLEAN not in baseline


@given(st.lists(_dirty, min_size=1, max_size=4), st.integers(1, 4))
def test_a_fix_that_is_always_clean_removes_what_is_always_there(baseline: list[Level], trials: int) -> None:
    assert _judge(baseline, [Level.CLEAN] * trials) == "removes"


@given(_any, _any)
def test_hides_implies_that_nobody_was_told_and_that_it_was_worse_before(
    baseline: list[Level], fixed: list[Level]
) -> None:
    if _judge(baseline, fixed) == "hides":
        assert Level.CLEAN not in fixed
        assert max(fixed) <= Level.RETRIED
        assert max(fixed) < min(baseline)


@given(_some)
def test_doing_nothing_neither_helps_nor_harms(trials: list[Level]) -> None:
    assert _judge(trials, trials) in {"not reproduced", "inconclusive", "no effect"}


@given(_any)
def test_without_trials_on_both_sides_nothing_can_be_said(trials: list[Level]) -> None:
    assert _judge([], trials) == _judge(trials, []) == "inconclusive"


@given(st.lists(_dirty, min_size=1, max_size=4), st.lists(_dirty, min_size=1, max_size=4), st.data())
def test_a_fix_that_does_worse_is_never_judged_better(
    baseline: list[Level], fixed: list[Level], data: st.DataObject
) -> None:
    place = data.draw(st.integers(0, len(fixed) - 1))
    worse = [*fixed]
    worse[place] = data.draw(st.sampled_from([found for found in Level if found >= fixed[place]]))
    verdicts = _judge(baseline, worse), _judge(baseline, fixed)
    assume("inconclusive" not in verdicts)
    assert _BADNESS.index(verdicts[0]) >= _BADNESS.index(verdicts[1])


@given(st.lists(_dirty, min_size=1, max_size=4), st.lists(_dirty, min_size=1, max_size=4), st.data())
def test_a_fix_of_something_worse_is_never_judged_worse(
    baseline: list[Level], fixed: list[Level], data: st.DataObject
) -> None:
    place = data.draw(st.integers(0, len(baseline) - 1))
    worse = [*baseline]
    worse[place] = data.draw(st.sampled_from([found for found in Level if found >= baseline[place]]))
    verdicts = _judge(worse, fixed), _judge(baseline, fixed)
    assume("inconclusive" not in verdicts)
    assert _BADNESS.index(verdicts[0]) <= _BADNESS.index(verdicts[1])


@given(st.lists(_some_silent, min_size=1, max_size=3), st.lists(_some_silent, min_size=1, max_size=3))
def test_silence_says_nothing_where_the_control_is_silent_now_and_then(silent: list[Level], fixed: list[Level]) -> None:
    assert _judge([*silent, Level.RAISED], fixed) in {"inconclusive", "hides"}
    assert (_judge([*silent, Level.RAISED], fixed) == "hides") == (max(fixed) < min(silent))


@given(st.lists(_dirty, min_size=1, max_size=4), _any, _dirty)
def test_one_more_trial_never_makes_a_fix_remove(baseline: list[Level], fixed: list[Level], more: Level) -> None:
    assert _judge(baseline, [*fixed, more]) != "removes"


@given(st.data())
def test_a_symptom_decides_the_level_whatever_else_was_recorded(
    ran: st.SearchStrategy[Trial], data: st.DataObject
) -> None:
    trial = data.draw(ran)
    symptom = data.draw(st.sampled_from([word for word in SYMPTOMS if word != "none"]))
    assert level(replace(trial, symptom=symptom)) > Level.LEAKING
    assert level(replace(trial, symptom="none")) <= Level.LEAKING


@given(st.data())
def test_a_note_is_nothing_wrong(clean_trial: st.SearchStrategy[Trial], data: st.DataObject) -> None:
    trial = data.draw(clean_trial)
    assert level(trial) == Level.CLEAN
    assert level(replace(trial, findings=(FindingCount("unclosed-at-exit", "note", 1),))) == Level.CLEAN


@pytest.mark.parametrize("severity", ["error", "leak"])
@given(data=st.data())
def test_a_finding_is_something_wrong(
    clean_trial: st.SearchStrategy[Trial], severity: str, data: st.DataObject
) -> None:
    trial = data.draw(clean_trial)
    assert level(replace(trial, findings=(FindingCount("client-left-open", severity, 1),))) == Level.LEAKING


@pytest.mark.parametrize(
    "accounting",
    [
        Accounting(calls=5, answers=5, requests=6),
        Accounting(calls=5, answers=5, requests=4),
        Accounting(calls=5, answers=4, requests=5),
        Accounting(calls=5, answers=5, requests=5, fds_leaked=1),
    ],
)
@given(data=st.data())
def test_accounts_that_do_not_add_up_are_something_wrong(
    clean_trial: st.SearchStrategy[Trial], accounting: Accounting, data: st.DataObject
) -> None:
    assert level(replace(data.draw(clean_trial), accounting=accounting)) == Level.LEAKING


@given(st.data())
def test_a_trial_that_did_not_run_has_no_level(any_trial: st.SearchStrategy[Trial], data: st.DataObject) -> None:
    trial = data.draw(any_trial.filter(lambda found: found.status != "ran"))
    with pytest.raises(ValueError, match=trial.key):
        level(trial)
