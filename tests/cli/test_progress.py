"""The lines of a run whose standard error is no terminal."""

from __future__ import annotations

import pytest

from diagnostics.cli.progress import progress
from diagnostics.model.cell import BASELINE, Cell, Environment
from diagnostics.model.trial import Trial


def trial(slug: str) -> Trial:
    where = Environment(f"{slug}-0", "3.13.0")
    cell = Cell(where.name, "openai", "repeated-run", BASELINE)
    return Trial(slug, where, cell, 0, "fork", instrumented=False, status="ran", symptom="raised")


def test_a_line_counts_the_environments_that_have_ended(capsys: pytest.CaptureFixture[str]) -> None:
    with progress(6, 0) as listener:
        for slug in ("one", "two"):
            listener.environment(slug, "ran", None, 1)
        listener.environment("three", "unavailable", "no such Python", 0)
        for slug in ("two", "one"):
            listener.trial(trial(slug))
            listener.environment_done(slug)
        for slug in ("five", "six"):
            listener.environment(slug, "unavailable", "no such Python", 0)
        listener.environment("four", "ran", None, 0)
        listener.environment_done("four")

    assert capsys.readouterr().err.splitlines() == [
        "[1/6] three: unavailable: no such Python",
        "[2/6] two: 1 trials: 1 raised",
        "[3/6] one: 1 trials: 1 raised",
        "[6/6] four: 0 trials: nothing left to do",
        "2 more unavailable, for the same reason: five and others",
    ]
