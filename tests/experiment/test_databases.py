"""The providers `redis` and `asyncpg` in their own environments, against servers that the lab starts."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from diagnostics.experiment.providers.asyncpg import LazyPool
from diagnostics.lab.environments import default_cache
from diagnostics.lab.execution.outcome import TrialPlan
from diagnostics.lab.execution.staging import stage_code
from diagnostics.lab.execution.trials import run_trials
from diagnostics.lab.execution.worker import Worker
from diagnostics.lab.execution.workers import Target
from diagnostics.lab.server import ProviderServer
from diagnostics.lab.server.installed import SERVERS, InstalledServers, NotInstalledError
from diagnostics.lab.session import open_session
from diagnostics.lab.target import find_target
from diagnostics.model.cell import BASELINE, Cell, Load
from diagnostics.model.libraries import LIBRARIES
from diagnostics.model.trial import Trial

ENVIRONMENTS = {"redis": "py3.13_redis-8.1.0", "asyncpg": "py3.13_asyncpg-0.32.0"}


def found(provider: str) -> Target:
    return find_target(provider, ENVIRONMENTS[provider], cache=default_cache())


def ran(target: Target, provider: str, *fixes: str) -> list[Trial]:
    plans = [TrialPlan(Cell(target.environment.name, provider, "repeated-run", fix), 0, "fork") for fix in fixes]
    with open_session(target, cache=default_cache(), redact=str) as session:
        return [result.trial for result in session.run(plans)]


def skip_without(provider: str) -> None:
    try:
        SERVERS[LIBRARIES[provider].server].find()
    except NotInstalledError as error:
        pytest.skip(str(error))


@pytest.mark.environment
@pytest.mark.parametrize(("provider", "recovers", "connections"), [("redis", True, 0), ("asyncpg", False, 3)])
def test_the_error_is_there_and_a_context_manager_removes_it(provider: str, recovers: bool, connections: int) -> None:
    skip_without(provider)
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


def process_of(url: str) -> int:
    """The server at an address of `InstalledServers`."""
    if url.startswith("postgresql:"):
        return int(Path(url.partition("host=")[2], "data", "postmaster.pid").read_text().split()[0])
    with socket.socket(socket.AF_UNIX) as client, client.makefile() as answer:
        client.connect(url.removeprefix("unix://"))
        client.sendall(b"INFO server\r\n")
        return next(int(line.partition(":")[2]) for line in answer if line.startswith("process_id:"))


@pytest.mark.environment
@pytest.mark.parametrize("provider", ["redis", "asyncpg"])
def test_trials_after_a_server_was_killed_are_broken(provider: str, tmp_path: Path) -> None:
    skip_without(provider)
    target, name = found(provider), LIBRARIES[provider].server
    cell = Cell(target.environment.name, provider, "repeated-run", "context-manager", Load(1, 1, 1))
    plans = [TrialPlan(cell, number, "fork") for number in range(3)]
    losses: list[str] = []
    with ProviderServer() as server, InstalledServers() as servers:

        def hire() -> Worker:
            return Worker(target.python, stage_code(tmp_path), server, files=target.files, servers=servers)

        results = run_trials(plans, target.environment, hire, at_once=1, redact=str, losses=losses)
        assert next(results).trial.symptom == "none"
        process = process_of(servers.url(name))
        os.kill(process, signal.SIGKILL)
        os.waitid(os.P_PID, process, os.WEXITED | os.WNOWAIT)  # its sockets close a little earlier
        later = [result.trial for result in results]
    assert [trial.status for trial in later] == ["broken", "broken"]
    assert [trial.reason for trial in later] == losses * 2
    assert "ended while trials needed it" in losses[0]


def test_threads_share_the_pool_that_the_first_opens() -> None:
    opening, waiting = threading.Event(), threading.Event()

    async def opens() -> object:
        opening.set()
        await asyncio.to_thread(waiting.wait)
        return object()

    async def second() -> object:
        waiter = asyncio.create_task(pool.get())
        await asyncio.sleep(0)
        waiting.set()
        return await waiter

    pool = LazyPool(opens)
    with ThreadPoolExecutor() as threads:
        first = threads.submit(asyncio.run, pool.get())
        opening.wait()
        assert threads.submit(asyncio.run, second()).result() is first.result()
