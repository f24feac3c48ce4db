"""Phase 5: where the baseline changes, and which issues match."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from diagnostics.lab.execution.outcome import TrialResult
from diagnostics.model.cell import Environment
from diagnostics.model.phase import CANNOT_TELL
from diagnostics.phases import phase5
from diagnostics.phases.plan import PhaseOptions

Make = Callable[..., TrialResult]


def environment(python: str, openai: str, **stack: str) -> Environment:
    return Environment(f"{python}-{openai}-{stack}", python, packages={"openai": openai, **stack})


OLD = environment("3.13.0", "1.40.8", httpx="0.27.2")
MIDDLE = environment("3.13.0", "2.54.0", httpx="0.28.1")
NEW = environment("3.13.0", "3.54.0", httpx2="2.16.2")
NEW_310 = environment("3.10.13", "3.54.0", httpx2="2.16.2")


def test_a_change_is_where_two_releases_differ(played: Make) -> None:
    trials = [
        played("repeated-run", "retried", environment=OLD),
        played("repeated-run", "retried", environment=MIDDLE),
        played("repeated-run", "raised", environment=NEW),
    ]

    answer = phase5.releases(trials, "openai")

    assert answer.facts["changes"] == {"repeated-run, Python 3.13.0": ["retried", "raised"]}
    assert (
        "sent twice on 1.40.8 (httpx 0.27.2) to 2.54.0 (httpx 0.28.1); raised on 3.54.0 (httpx2 2.16.2)"
        in answer.sentences[0]
    )


def test_a_release_that_cannot_run_does_not_part_its_neighbours(played: Make) -> None:
    trials = [played("repeated-run", "retried", environment=where) for where in (OLD, NEW)]
    broken = played("repeated-run", environment=MIDDLE)
    trials.append(replace(broken, trial=replace(broken.trial, status="incompatible", symptom=None, reason="x")))

    answer = phase5.releases(trials, "openai")

    assert answer.facts["changes"] == {"repeated-run, Python 3.13.0": ["retried"]}
    assert "the same on all releases" in answer.sentences[0]


def test_one_release_alone_says_nothing(played: Make) -> None:
    assert phase5.releases([played("repeated-run", "raised")], "openai").verdict == CANNOT_TELL


def test_pythons_are_compared_on_equal_packages(played: Make) -> None:
    trials = [
        played("repeated-run", "raised", environment=NEW),
        played("repeated-run", "raised", environment=NEW_310),
        played("repeated-run", "retried", environment=MIDDLE),
    ]
    assert phase5.pythons(trials, "openai").facts == {"python_differs": 0}

    trials.append(played("sequential-classifiers", "logged", environment=NEW))
    trials.append(played("sequential-classifiers", environment=NEW_310))
    answer = phase5.pythons(trials, "openai")
    assert answer.facts == {"python_differs": 1}
    assert "in 1 of 2 comparisons" in answer.sentences[0]
    assert "the collector starts by itself" in answer.sentences[1]

    trials.append(played("gc-inside-run", "logged", environment=NEW))
    trials.append(played("gc-inside-run", environment=NEW_310))
    assert len(phase5.pythons(trials, "openai").sentences) == 1


def test_issues_are_named_with_their_link(played: Make) -> None:
    answer = phase5.answers([played("sequential-classifiers", "logged")], PhaseOptions())[2]

    assert "https://github.com/openai/openai-python/issues/1254" in answer.facts["issues"]
    assert all("genai" not in url for url in answer.facts["issues"])
