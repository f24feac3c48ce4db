"""The provider `groq` in its own environment, against the provider server."""

from __future__ import annotations

import pytest

from diagnostics.lab.environments import default_cache
from diagnostics.lab.execution.outcome import TrialPlan
from diagnostics.lab.session import open_session
from diagnostics.lab.target import find_target
from diagnostics.model.cell import BASELINE, Cell

ENVIRONMENT = "py3.13_httpx-0.28.1_groq-1.7.0"


@pytest.mark.environment
@pytest.mark.parametrize(("fix", "symptoms"), [(BASELINE, {"raised", "retried"}), ("context-manager", {"none"})])
def test_the_error_is_there_and_a_context_manager_removes_it(fix: str, symptoms: set[str]) -> None:
    target = find_target("groq", ENVIRONMENT, cache=default_cache())
    with open_session(target, cache=default_cache(), redact=str) as session:
        cell = Cell(target.environment.name, "groq", "repeated-run", fix)
        (played,) = session.run([TrialPlan(cell, 0, "fork")])
    assert played.trial.status == "ran", played.trial
    assert played.trial.symptom in symptoms
