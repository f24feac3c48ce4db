"""The real worker process: what goes wrong in a trial ends as the right outcome and stops nothing else."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from diagnostics.lab.environments import find_interpreter
from diagnostics.lab.execution.outcome import EVIDENCE_CHARACTERS, TrialPlan, conclude
from diagnostics.lab.execution.worker import Worker, WorkerLost
from diagnostics.model.cell import Cell, Environment, Load
from diagnostics.model.limits import Limits
from diagnostics.model.verdict import Level, level

if TYPE_CHECKING:
    from collections.abc import Callable

    from diagnostics.lab.environments import PreparedEnvironment
    from diagnostics.lab.server import ProviderServer
    from diagnostics.model.trial import Trial

pytestmark = pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="needs Linux")

ROOT = Path(__file__).parents[2]
ONE_CALL = Load(runs=1, calls=1, concurrency=1)
SOMEWHERE = Environment("somewhere", "3.11.0")
MEMORY = 2**30
LONG = 3600.0
"""Seconds that no test waits: what ends earlier was ended by something else than its time."""


def plan(provider: str = "openai", fix: str = "none", *, mode: str = "fork", load: Load = ONE_CALL) -> TrialPlan:
    return TrialPlan(Cell("somewhere", provider, "repeated-run", fix, load), 0, mode)


def play(worker: Worker, *plans: TrialPlan) -> list[Trial]:
    return [conclude(done, SOMEWHERE, traces, str) for done, traces in worker.run(plans, at_once=1)]


# What the package does, the symptom (none of an exception that no scenario can provoke), and a word of the evidence.
BROKEN = {
    "hangs": ("hang", "in misbehave"),  # where its thread waits
    "segfaults": ("crash", "SIGSEGV"),
    "is_killed": ("crash", "SIGKILL"),
    "eats_memory": (None, "MemoryError"),
    "floods": ("logged", "characters …]"),
    "prints_rubbish": ("logged", "rubbish"),
    "raises_rubbish": (None, "no such file"),
    "exits_silently": ("crash", "status 0"),
    "exits_loudly": (None, "no licence found"),
    "leaves_a_daemon_thread": ("none", ""),
    "leaves_a_thread": ("hang", "in _shutdown"),
    "leaves_a_process": ("logged", "left "),
}


@pytest.mark.parametrize("mode", ["fork", "cold"])
@pytest.mark.parametrize("name", BROKEN)
def test_each_ends_as_what_a_person_would_see_and_the_next_trial_runs(
    name: str, mode: str, broken: Callable[[str], Path], inside: Path, server: ProviderServer
) -> None:
    symptom, word = BROKEN[name]
    timeout = 2.0 if symptom == "hang" else LONG
    with Worker(broken(name), inside, server, limits=Limits(timeout=timeout, memory=MEMORY)) as worker:
        assert worker.probe("openai") == ("ran", None)
        trial, after = play(worker, plan(mode=mode), plan("httpx", mode=mode))

    shown = trial.evidence or trial.reason or ""
    assert (trial.status, trial.symptom) == ("ran" if symptom else "unrelated", symptom), shown
    assert word in shown
    assert len(shown) <= EVIDENCE_CHARACTERS
    shown.encode("utf-8")
    assert trial.accounting.threads_left == (name in ("leaves_a_daemon_thread", "leaves_a_thread"))
    # httpx is not in this environment; that the worker finds out shows that it goes on.
    assert (after.status, after.reason) == ("incompatible", "httpx cannot be imported: No module named 'httpx'")


def test_what_a_trial_leaves_running_ends_with_it(
    broken: Callable[[str], Path], inside: Path, server: ProviderServer, wait_until_gone: Callable[[int], None]
) -> None:
    with Worker(broken("leaves_a_process"), inside, server) as worker:
        worker.probe("openai")
        (trial,) = play(worker, plan())
        left = re.search(r"left (\d+)", trial.evidence or "")
        assert left
        wait_until_gone(int(left[1]))


def test_a_trial_that_kills_the_worker_is_told_as_that(
    broken: Callable[[str], Path], inside: Path, server: ProviderServer
) -> None:
    with Worker(broken("kills_the_worker"), inside, server) as worker:
        worker.probe("openai")
        with pytest.raises(WorkerLost, match="status -9"):
            play(worker, plan())


@pytest.mark.parametrize("fork", [True, False])
@pytest.mark.parametrize(
    ("name", "status", "word"),
    [
        ("cannot_be_imported", "incompatible", "libfoo.so.3"),
        ("exits_at_import", "incompatible", "no licence found"),
        ("crashes_at_first_call", "broken", "assertion failed in foo.c"),
        ("hangs_at_first_call", "broken", "did not end within 2 s"),
    ],
)
def test_the_first_call_tells_what_cannot_be_tried(
    name: str, status: str, word: str, fork: bool, broken: Callable[[str], Path], inside: Path, server: ProviderServer
) -> None:
    with Worker(broken(name), inside, server, limits=Limits(first_call=2.0), fork=fork) as worker:
        found, reason = worker.probe("openai")
        assert found == status, reason
        assert word in (reason or "")
        assert worker.probe("httpx")[0] == "incompatible"


def test_a_provider_that_is_not_there_is_incompatible(
    broken: Callable[[str], Path], inside: Path, server: ProviderServer
) -> None:
    with Worker(broken("hangs"), inside, server) as worker:
        status, reason = worker.probe("anthropic")
    assert (status, reason) == ("incompatible", "anthropic cannot be imported: No module named 'anthropic'")


class Asking(threading.Thread):
    """Asks a worker in a thread of its own, and keeps what became of it."""

    def __init__(self, ask: Callable[[], Any]) -> None:
        super().__init__()
        self._ask = ask
        self.lost: WorkerLost | None = None

    def run(self) -> None:
        try:
            self._ask()
        except WorkerLost as error:
            self.lost = error


@pytest.mark.parametrize("mode", ["fork", "cold"])
@pytest.mark.parametrize("how", ["killed", "its input ends"])
def test_a_trial_does_not_outlive_its_worker(
    how: str,
    mode: str,
    broken: Callable[[str], Path],
    began: Any,
    inside: Path,
    server: ProviderServer,
    wait_until_gone: Callable[[int], None],
) -> None:
    python = broken("hangs")
    pipe = began(python)
    with Worker(python, inside, server, limits=Limits(timeout=LONG)) as worker:
        worker.probe("openai")
        asking = Asking(lambda: play(worker, plan(mode=mode)))
        asking.start()
        trial = pipe.wait()
        if how == "killed":
            parent = psutil.Process(trial).parent()
            assert parent is not None
            parent.kill()
        else:
            worker.kill()
        wait_until_gone(trial)
        asking.join()
    assert asking.lost is not None
    assert str(asking.lost).startswith("the worker ended with status " + ("-9" if how == "killed" else "0"))


def test_a_worker_that_waits_for_a_first_call_can_be_ended(
    broken: Callable[[str], Path],
    began: Any,
    inside: Path,
    server: ProviderServer,
    wait_until_gone: Callable[[int], None],
) -> None:
    python = broken("hangs_at_first_call")
    pipe = began(python)
    with Worker(python, inside, server, limits=Limits(first_call=LONG)) as worker:
        asking = Asking(lambda: worker.probe("openai"))
        asking.start()
        throwaway = pipe.wait()
        worker.kill()
        wait_until_gone(throwaway)
        asking.join()
    assert str(asking.lost).startswith("the worker ended with status 0")


HOST = """
import sys
from pathlib import Path
from diagnostics.lab.execution.worker import Worker
from diagnostics.lab.server import ProviderServer
from diagnostics.model.limits import Limits
from tests.worker.test_worker import plan, play

python, staged = map(Path, sys.argv[1:])
with ProviderServer() as server, Worker(python, staged, server, limits=Limits(timeout=3600)) as worker:
    worker.probe("openai")
    play(worker, plan())
"""


def test_nothing_outlives_a_host_that_is_killed(
    broken: Callable[[str], Path], began: Any, inside: Path, tmp_path: Path, wait_until_gone: Callable[[int], None]
) -> None:
    python = broken("hangs")
    pipe = began(python)
    with subprocess.Popen([sys.executable, "-c", HOST, str(python), str(inside)], cwd=ROOT) as host:
        trial = pipe.wait()
        worker = psutil.Process(trial).ppid()
        host.kill()
    wait_until_gone(trial)
    wait_until_gone(worker)


def test_an_interpreter_that_is_not_there_is_one_clear_error(inside: Path, server: ProviderServer) -> None:
    with pytest.raises(WorkerLost, match=r"cannot start with /nowhere/python: No such file") as caught:
        Worker(Path("/nowhere/python"), inside, server)
    assert "\n" not in str(caught.value)


def test_an_interpreter_that_is_too_old_is_one_clear_error(inside: Path, server: ProviderServer) -> None:
    old = next(filter(None, map(find_interpreter, ("3.9", "3.8", "3.7", "3.6"))), None)
    if old is None:
        pytest.skip("this machine has no Python that is too old")
    with pytest.raises(WorkerLost) as caught:
        Worker(old.path, inside, server)
    assert str(caught.value) == "the worker ended with status 3: the worker needs Python 3.10 or newer"


@pytest.mark.environment
@pytest.mark.parametrize("generation", ["httpx", "httpx2"])
def test_forked_and_new_interpreters_agree(
    generation: str, environment: Callable[[str], PreparedEnvironment], inside: Path, server: ProviderServer
) -> None:
    load = Load(runs=2, calls=2, concurrency=2)
    seen = []
    with Worker(environment(generation).python, inside, server) as worker:
        assert worker.probe("openai") == ("ran", None)
        for mode in ("fork", "cold"):
            none, closing = play(worker, *(plan(fix=fix, mode=mode, load=load) for fix in ("none", "context-manager")))
            assert (none.accounting.calls, closing.accounting.calls) == (4, 4)
            assert closing.accounting.answers == closing.accounting.requests == 4
            seen.append((level(none), level(closing)))

    assert seen[0] == seen[1]
    assert seen[0][1] is Level.CLEAN
    assert seen[0][0] > Level.CLEAN


@pytest.mark.environment
def test_without_fork_every_trial_is_a_new_interpreter(
    environment: Callable[[str], PreparedEnvironment], inside: Path, server: ProviderServer
) -> None:
    with Worker(environment("httpx2").python, inside, server, fork=False) as worker:
        assert worker.probe("httpx2") == ("ran", None)
        (trial,) = play(worker, plan("httpx2", "context-manager"))
    assert level(trial) is Level.CLEAN
