"""The providers `redis` and `asyncpg` in their own environments, against servers that the lab starts."""

from __future__ import annotations

import pytest

from diagnostics.lab.environments import default_cache
from diagnostics.lab.execution.outcome import TrialPlan
from diagnostics.lab.execution.workers import Target
from diagnostics.lab.server.installed import SERVERS, NotInstalledError
from diagnostics.lab.session import open_session
from diagnostics.lab.target import find_target
from diagnostics.model.cell import BASELINE, Cell
from diagnostics.model.libraries import LIBRARIES
from diagnostics.model.trial import Trial

ENVIRONMENTS = {"redis": "py3.13_redis-8.1.0", "asyncpg": "py3.13_asyncpg-0.32.0"}


def found(provider: str) -> Target:
    return find_target(provider, ENVIRONMENTS[provider], cache=default_cache())


def ran(target: Target, provider: str, *fixes: str) -> list[Trial]:
    plans = [TrialPlan(Cell(target.environment.name, provider, "repeated-run", fix), 0, "fork") for fix in fixes]
    with open_session(target, cache=default_cache(), redact=str) as session:
        return [result.trial for result in session.run(plans)]


@pytest.mark.environment
@pytest.mark.parametrize(("provider", "recovers", "connections"), [("redis", True, 0), ("asyncpg", False, 3)])
def test_the_error_is_there_and_a_context_manager_removes_it(provider: str, recovers: bool, connections: int) -> None:
    try:
        SERVERS[LIBRARIES[provider].server].find()
    except NotInstalledError as error:
        pytest.skip(str(error))
    baseline, fixed, sync = ran(found(provider), provider, BASELINE, "context-manager", "sync-client")

    assert (baseline.symptom, baseline.recovers) == ("raised", recovers), baseline
    assert (fixed.symptom, fixed.accounting.fds_leaked) == ("none", 0), fixed
    assert fixed.accounting.requests == fixed.accounting.answers == fixed.accounting.calls
    assert fixed.accounting.connections >= connections
    assert sync.status == ("ran" if provider == "redis" else "incompatible"), sync


@pytest.mark.environment
def test_a_server_that_is_not_installed_makes_the_trial_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    target = found("redis")
    monkeypatch.setenv("PATH", "")
    (trial,) = ran(target, "redis", BASELINE)
    assert (trial.status, trial.symptom) == ("unavailable", None)
    assert "apt-get install redis-server" in str(trial.reason)
