"""Each claim of the documents against runs in which it holds, in which it does not, and in which nothing tells."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from diagnostics.model.cell import Environment
from diagnostics.model.trial import FindingCount, Trial
from diagnostics.redaction import Secrets
from diagnostics.report.view.build import build_view
from diagnostics.report.view.checks import ANSWERS
from diagnostics.report.view.hypotheses import CLAIMS, check_claims
from diagnostics.runs.records import Run

Cell = tuple[str, str, dict[str, Any]]
LOGGED: Cell = ("none", "logged", {})
TOUCH = (FindingCount("use-after-loop-close", "error", 1),)
LEAK = (FindingCount("client-left-open", "leak", 1),)
GOOGLE = {"provider": "google-genai"}


def _ends(name: str, fix: str) -> list[tuple[str, str, list[Cell]]]:
    return [
        (name, "holds", [LOGGED, (fix, "none", {})]),
        (name, "holds", [LOGGED, (fix, "retried", {"requests": 18})]),
        (name, "does not hold", [LOGGED, (fix, "raised", {})]),
        (name, "does not hold", [LOGGED, (fix, "none", {}), (fix, "logged", {"trial": 1})]),
        (name, "cannot tell", [LOGGED, (fix, "", {"status": "incompatible", "reason": "no"})]),
        (name, "cannot tell", [("none", "none", {}), (fix, "none", {})]),
    ]


CASES: list[tuple[str, str, list[Cell]]] = [
    *_ends("background-loop-ends-it", "background-loop"),
    *_ends("single-run-ends-it", "single-run"),
    *_ends("never-close-ends-it", "never-close"),
    *_ends("global-loop-ends-it", "global-loop"),
    *_ends("context-manager-ends-it", "context-manager"),
    *_ends("context-manager-no-errors", "context-manager"),
    *_ends("sync-ends-it", "sync-client"),
    *_ends("aiohttp-ends-it", "aiohttp-transport"),
    ("instance-loop-fails", "holds", [LOGGED, ("instance-loop", "logged", {})]),
    ("instance-loop-fails", "does not hold", [LOGGED, ("instance-loop", "none", {})]),
    ("repeated-run-provokes-it", "holds", [LOGGED]),
    ("repeated-run-provokes-it", "does not hold", [LOGGED, ("none", "none", GOOGLE)]),
    ("repeated-run-provokes-it", "cannot tell", [("none", "logged", {"scenario": "fork"})]),
    ("client-per-request", "does not hold", [("single-run", "none", {"connections": 5})]),
    ("client-per-request", "cannot tell", [("single-run", "none", {"connections": 15})]),
    ("client-per-request", "cannot tell", [("single-run", "none", {"provider": "httpx"})]),
    ("openai-retries-quietly", "holds", [("none", "retried", {})]),
    ("openai-retries-quietly", "does not hold", [LOGGED]),
    ("openai-retries-quietly", "cannot tell", [("none", "none", {})]),
    ("gemini-raises", "holds", [("none", "raised", GOOGLE)]),
    ("gemini-raises", "does not hold", [("none", "retried", GOOGLE)]),
    ("touches-a-closed-loop", "holds", [("none", "logged", {"instrumented": True, "findings": TOUCH})]),
    ("touches-a-closed-loop", "does not hold", [("none", "logged", {"instrumented": True, "findings": LEAK})]),
    ("touches-a-closed-loop", "cannot tell", [LOGGED]),
    ("newer-versions-end-it", "cannot tell", [LOGGED]),
    ("context-manager-no-leak", "holds", [("context-manager", "none", {})]),
    ("context-manager-no-leak", "does not hold", [("context-manager", "none", {"fds_left": 1})]),
    (
        "context-manager-no-leak",
        "does not hold",
        [("context-manager", "none", {"instrumented": True, "findings": LEAK})],
    ),
    ("context-manager-no-leak", "cannot tell", [LOGGED]),
    ("context-manager-no-overhead", "holds", [LOGGED, ("context-manager", "none", {"seconds": 0.1})]),
    ("context-manager-no-overhead", "does not hold", [LOGGED, ("context-manager", "none", {"seconds": 0.2})]),
    ("context-manager-no-overhead", "cannot tell", [LOGGED, ("context-manager", "none", {"seconds": 0.12})]),
    (
        "context-manager-no-overhead",
        "cannot tell",
        [("none", "raised", {"answers": 1}), ("context-manager", "none", {"seconds": 0.9})],
    ),
    ("context-manager-better-pooling", "holds", [LOGGED, ("context-manager", "none", {"connections": 3})]),
    ("context-manager-better-pooling", "does not hold", [LOGGED, ("context-manager", "none", {"connections": 5})]),
    ("context-manager-better-pooling", "cannot tell", [("context-manager", "none", {"connections": 3})]),
]


@pytest.mark.parametrize(("name", "answer", "cells"), CASES)
def test_a_claim_is_answered(
    name: str, answer: str, cells: list[Cell], trial: Callable[..., Trial], run_of: Callable[..., Run]
) -> None:
    view = build_view(run_of([trial(fix, symptom, **changes) for fix, symptom, changes in cells]), Secrets())
    (checked,) = [row for row in check_claims(view) if row.name == name]
    assert checked.answer == answer, checked.measured


@pytest.mark.parametrize(("newest", "answer"), [("none", "holds"), ("logged", "does not hold")])
def test_newer_versions_are_read_off_the_matrix(
    newest: str, answer: str, trial: Callable[..., Trial], env: Callable[..., Environment], run_of: Callable[..., Run]
) -> None:
    trials = [
        trial("none", "raised", environment=env("1.0", "httpx", "0.28.1")),
        trial("none", newest, environment=env("3.0", "httpx2", "2.0")),
    ]
    rows = {row.name: row for row in check_claims(build_view(run_of(trials), Secrets()))}
    assert rows["newer-versions-end-it"].answer == answer


def test_an_empty_run_decides_nothing(run_of: Callable[..., Run]) -> None:
    assert {row.answer for row in check_claims(build_view(run_of([]), Secrets()))} == {"cannot tell"}


def test_each_claim_is_one_row_with_a_sentence_and_is_tried_both_ways() -> None:
    assert len({claim.name for claim in CLAIMS}) == len(CLAIMS)
    assert all(claim.says.endswith(".") for claim in CLAIMS)
    assert {name for name, _, _ in CASES} == {claim.name for claim in CLAIMS}
    assert {answer for _, answer, _ in CASES} == set(ANSWERS)


def test_the_measured_sentence_holds_the_numbers(sample: Run) -> None:
    rows = {row.name: row for row in check_claims(build_view(sample, Secrets()))}
    assert rows["background-loop-ends-it"].measured == (
        "8 places with a symptom before (openai): error gone in 5, nothing else left behind in 5. "
        "Still there: hang 3 (fork)."
    )
