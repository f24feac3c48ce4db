"""The provider `mistralai` in its own environment, against the provider server."""

from __future__ import annotations

import pytest

from diagnostics.lab.environments import default_cache
from diagnostics.lab.execution.outcome import TrialPlan
from diagnostics.lab.session import open_session
from diagnostics.lab.target import find_target
from diagnostics.model.cell import BASELINE, Cell

ENVIRONMENT = "py3.13_httpx2-2.16.2_mistralai-3.7.0"


@pytest.mark.environment
@pytest.mark.parametrize(("fix", "symptoms"), [(BASELINE, {"raised", "retried"}), ("context-manager", {"none"})])
def test_the_error_is_there_and_a_context_manager_removes_it(fix: str, symptoms: set[str]) -> None:
    target = find_target("mistralai", ENVIRONMENT, cache=default_cache())
    with open_session(target, cache=default_cache(), redact=str) as session:
        (played,) = session.run([TrialPlan(Cell(target.environment.name, "mistralai", "repeated-run", fix), 0, "fork")])
    assert played.trial.status == "ran", played.trial
    assert played.trial.symptom in symptoms
