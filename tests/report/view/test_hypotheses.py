"""The rate of each hypothesis, in runs that bear it out, that do not, and that measure nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from diagnostics.model.cell import Environment
from diagnostics.model.trial import FindingCount, Trial
from diagnostics.redaction import Secrets
from diagnostics.report.view.build import build_view
from diagnostics.report.view.hypotheses import HYPOTHESES, hypothesis_rates
from diagnostics.runs.records import Run

Cell = tuple[str, str, dict[str, Any]]
LOGGED: Cell = ("none", "logged", {})
TOUCH = (FindingCount("use-after-loop-close", "error", 1),)
LEAK = (FindingCount("client-left-open", "leak", 1),)
GOOGLE = {"provider": "google-genai"}


def _ends(name: str, fix: str) -> list[tuple[str, tuple[int, int], list[Cell]]]:
    return [
        (name, (1, 1), [LOGGED, (fix, "none", {})]),
        (name, (1, 1), [LOGGED, (fix, "retried", {"requests": 18})]),
        (name, (0, 1), [LOGGED, (fix, "raised", {})]),
        (name, (0, 1), [LOGGED, (fix, "none", {}), (fix, "logged", {"trial": 1})]),
        (name, (0, 0), [LOGGED, (fix, "", {"status": "incompatible", "reason": "no"})]),
        (name, (0, 0), [("none", "none", {}), (fix, "none", {})]),
    ]


CASES: list[tuple[str, tuple[int, int], list[Cell]]] = [
    *_ends("background-loop-ends-it", "background-loop"),
    *_ends("single-run-ends-it", "single-run"),
    *_ends("never-close-ends-it", "never-close"),
    *_ends("global-loop-ends-it", "global-loop"),
    *_ends("instance-loop-ends-it", "instance-loop"),
    *_ends("context-manager-ends-it", "context-manager"),
    *_ends("sync-ends-it", "sync-client"),
    *_ends("aiohttp-ends-it", "aiohttp-transport"),
    ("repeated-run-provokes-it", (1, 1), [LOGGED]),
    ("repeated-run-provokes-it", (1, 2), [LOGGED, ("none", "none", GOOGLE)]),
    ("repeated-run-provokes-it", (0, 0), [("none", "logged", {"scenario": "fork"})]),
    ("connection-per-call", (0, 1), [("single-run", "none", {"connections": 5})]),
    ("connection-per-call", (1, 1), [("single-run", "none", {"connections": 15})]),
    ("connection-per-call", (0, 0), [("single-run", "none", {"provider": "httpx"})]),
    ("openai-sends-twice", (1, 1), [("none", "retried", {})]),
    ("openai-sends-twice", (0, 1), [LOGGED]),
    ("openai-sends-twice", (0, 0), [("none", "none", {})]),
    ("gemini-raises", (1, 1), [("none", "raised", GOOGLE)]),
    ("gemini-raises", (0, 1), [("none", "retried", GOOGLE)]),
    ("touches-a-closed-loop", (1, 1), [("none", "logged", {"instrumented": True, "findings": TOUCH})]),
    ("touches-a-closed-loop", (0, 1), [("none", "logged", {"instrumented": True, "findings": LEAK})]),
    ("touches-a-closed-loop", (0, 0), [LOGGED]),
    ("newer-versions-end-it", (0, 0), [LOGGED]),
    ("context-manager-no-leak", (1, 1), [("context-manager", "none", {})]),
    ("context-manager-no-leak", (0, 1), [("context-manager", "none", {"fds_left": 1})]),
    (
        "context-manager-no-leak",
        (0, 1),
        [("context-manager", "none", {"instrumented": True, "findings": LEAK})],
    ),
    ("context-manager-no-leak", (0, 0), [LOGGED]),
    ("context-manager-no-overhead", (1, 1), [LOGGED, ("context-manager", "none", {"seconds": 0.1})]),
    ("context-manager-no-overhead", (0, 1), [LOGGED, ("context-manager", "none", {"seconds": 0.2})]),
    ("context-manager-no-overhead", (0, 1), [LOGGED, ("context-manager", "none", {"seconds": 0.12})]),
    (
        "context-manager-no-overhead",
        (0, 0),
        [("none", "raised", {"answers": 1}), ("context-manager", "none", {"seconds": 0.9})],
    ),
    ("context-manager-better-pooling", (1, 1), [LOGGED, ("context-manager", "none", {"connections": 3})]),
    ("context-manager-better-pooling", (0, 1), [LOGGED, ("context-manager", "none", {"connections": 5})]),
    ("context-manager-better-pooling", (0, 0), [("context-manager", "none", {"connections": 3})]),
]


@pytest.mark.parametrize(("name", "rate", "cells"), CASES)
def test_a_hypothesis_has_a_rate(
    name: str, rate: tuple[int, int], cells: list[Cell], trial: Callable[..., Trial], run_of: Callable[..., Run]
) -> None:
    view = build_view(run_of([trial(fix, symptom, **changes) for fix, symptom, changes in cells]), Secrets())
    (found,) = [found for each, found in hypothesis_rates(view) if each.name == name]
    assert (found.hits, found.total) == rate, found
    assert (found.rate == "not measured") == (found.total == 0)


@pytest.mark.parametrize(("newest", "hits"), [("none", 1), ("logged", 0)])
def test_newer_versions_are_read_off_the_matrix(
    newest: str, hits: int, trial: Callable[..., Trial], env: Callable[..., Environment], run_of: Callable[..., Run]
) -> None:
    trials = [
        trial("none", "raised", environment=env("1.0", "httpx", "0.28.1")),
        trial("none", newest, environment=env("3.0", "httpx2", "2.0")),
    ]
    rows = {each.name: found for each, found in hypothesis_rates(build_view(run_of(trials), Secrets()))}
    assert rows["newer-versions-end-it"].rate == f"gone on the newest release in {hits} of 1 scenario"


def test_an_empty_run_measures_nothing(run_of: Callable[..., Run]) -> None:
    assert {found.rate for _, found in hypothesis_rates(build_view(run_of([]), Secrets()))} == {"not measured"}


def test_each_hypothesis_is_one_row_with_a_sentence_and_a_test() -> None:
    assert len({each.name for each in HYPOTHESES}) == len(HYPOTHESES)
    assert all(each.says.endswith(".") for each in HYPOTHESES)
    assert {name for name, _, _ in CASES} == {each.name for each in HYPOTHESES}


def test_the_rate_and_its_detail_hold_the_numbers(sample: Run) -> None:
    rows = {each.name: found for each, found in hypothesis_rates(build_view(sample, Secrets()))}
    found = rows["background-loop-ends-it"]
    assert found.rate == "gone in 5 of 8 combinations"
    assert found.detail == "Nothing else left behind in 5. Still there: hang 3 (fork)."
