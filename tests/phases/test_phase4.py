"""Phase 4's verdicts and order."""

from __future__ import annotations

from collections.abc import Callable

from diagnostics.lab.execution.outcome import TrialResult
from diagnostics.model.phase import CANNOT_TELL
from diagnostics.phases import phase4
from diagnostics.phases.plan import PhaseOptions

Make = Callable[..., TrialResult]


def test_fixes_that_remove_are_ranked_and_the_fastest_is_named(played: Make) -> None:
    trials = []
    for scenario, symptom in (("sequential-classifiers", "logged"), ("repeated-run", "raised")):
        trials += [played(scenario, symptom, trial=number, fds_leaked=3) for number in range(2)]
        for fix, seconds in (("single-run", 0.1), ("context-manager", 0.3), ("client-per-loop", 0.2)):
            trials += [played(scenario, fix=fix, trial=number, seconds=seconds) for number in range(2)]
        trials += [played(scenario, fix="never-close", trial=number, fds_leaked=9) for number in range(2)]
        trials += [played(scenario, symptom, fix="instance-loop", trial=number) for number in range(2)]

    prevents, options, cost = phase4.answers(trials, PhaseOptions())

    assert prevents.facts["removes"] == ["context-manager", "client-per-loop", "single-run"]
    assert "`single-run` takes the least time here." in prevents.sentences[-1]
    assert prevents.facts["baseline"]["repeated-run"] == {"raised": 2}
    assert any("hides: `never-close`" in sentence for sentence in prevents.sentences)
    assert any("`never-close` (never close the loop): hides" in sentence for sentence in options.sentences)
    assert ("`repeated-run`", "`context-manager`", "3.00", "1.00", "1.00", "0", "0") in cost.tables[0].rows


def test_a_fix_has_to_remove_it_in_both_scenarios(played: Make) -> None:
    trials = [
        played("sequential-classifiers", "logged"),
        played("repeated-run", "raised"),
        played("sequential-classifiers", fix="runner"),
        played("repeated-run", "raised", fix="runner"),
    ]

    assert phase4.answers(trials, PhaseOptions())[0].facts["removes"] == []


def test_a_silent_baseline_says_nothing_of_any_fix(played: Make) -> None:
    trials = [played("repeated-run"), played("repeated-run", fix="single-run")]

    prevents, options, _ = phase4.answers(trials, PhaseOptions())

    assert prevents.verdict == CANNOT_TELL
    assert options.verdict == CANNOT_TELL
