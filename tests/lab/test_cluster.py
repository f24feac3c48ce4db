"""A real scheduler and real workers on loopback, which are killed, frozen and taken away in the middle."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import CancelledError
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from benchmarks.parts.machines import Machines, machines, play_and_kill
from diagnostics.lab.cluster import Cluster
from diagnostics.lab.combination import Combination
from diagnostics.lab.environments import default_cache
from diagnostics.lab.execution.local_executor import execute
from diagnostics.lab.execution.work import (
    CodeMismatch,
    ExecutorUnavailable,
    MachineLost,
    WorkItem,
    WorkResult,
    fingerprint,
)
from diagnostics.lab.redactor import redactor
from diagnostics.lab.remote import AddressError, cluster, scheduler_address
from diagnostics.model.cell import Environment
from diagnostics.model.limits import Limits
from diagnostics.runs.layout import TRIALS
from diagnostics.runs.reader import stored_trials

if TYPE_CHECKING:
    from collections.abc import Callable

    from diagnostics.lab.environments import PreparedEnvironment

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs a fork server")

ROOT = Path(__file__).parents[2]
LONG = 120.0
"""Seconds that a test waits only if it fails."""


@pytest.fixture
def there() -> Iterator[Machines]:
    with machines(1) as started:
        yield started


def item(slug: str = "1.0") -> WorkItem:
    return WorkItem(Combination("3.13", (("openai", slug),)), redactor, fingerprint())


def quick(item: WorkItem) -> WorkResult:
    """Says which process has carried it out."""
    return WorkResult(Environment(str(os.getpid()), "3.13.0"))


def never(item: WorkItem) -> WorkResult:
    """Freezes the worker that carries it out."""
    os.kill(os.getpid(), signal.SIGSTOP)
    return quick(item)


def stuck(item: WorkItem) -> WorkResult:
    threading.Event().wait()
    return quick(item)


def deadly(item: WorkItem) -> WorkResult:
    os.kill(os.getpid(), signal.SIGKILL)
    return quick(item)


def unlike(item: WorkItem) -> WorkResult:
    raise CodeMismatch("another Python")


def asked(executor: Cluster) -> str:
    """Which process answers; asked again like by a run, because on a busy machine the living are silent too."""
    for _ in range(10):
        with suppress(MachineLost):
            return executor.submit(quick, item()).result(LONG).environment.name
    pytest.fail("nobody answers")


@pytest.mark.environment
def test_twenty_workers_lost_in_the_middle_and_every_trial_is_there_once(
    environment: Callable[[str], PreparedEnvironment], combination: Callable[[str], Combination], tmp_path: Path
) -> None:
    environment("httpx2")
    with machines(3) as there:
        counted = play_and_kill(combination("httpx2"), default_cache(), tmp_path, there, kills=20, seed=3)
    assert counted.killed + counted.frozen == 20
    assert (counted.stored, counted.twice, counted.broken) == (counted.asked, 0, 0)


def test_a_worker_that_dies_or_freezes_costs_the_order_in_hand_and_nobody_left_is_an_error(there: Machines) -> None:
    with Cluster(there.address, silence=5) as executor:
        assert asked(executor) == str(there.workers[0].pid)
        with pytest.raises(CodeMismatch, match="another Python"):
            executor.submit(unlike, item()).result(LONG)

        lost = executor.submit(deadly, item())
        with pytest.raises(MachineLost, match="is gone or silent"):
            lost.result(LONG)

        there.replace(0, None)
        assert asked(executor) == str(there.workers[0].pid)
        with pytest.raises(MachineLost, match="is gone or silent"):
            executor.submit(never, item()).result(LONG)

        with pytest.raises(ExecutorUnavailable, match=r"no worker is left at tcp://127\.0\.0\.1"):
            executor.submit(quick, item()).result(LONG)


def test_what_takes_too_long_is_lost_though_its_worker_lives(there: Machines) -> None:
    with Cluster(there.address) as executor, pytest.raises(MachineLost, match="did not answer within 0 s"):
        executor.submit(stuck, replace(item(), limits=Limits(preparing=0.1))).result(LONG)


def test_a_machine_that_is_not_alike_is_refused(there: Machines) -> None:
    with Cluster(there.address) as executor, pytest.raises(CodeMismatch, match="another version of this project"):
        executor.submit(execute, replace(item(), code="another")).result(LONG)


def test_leaving_ends_what_waits(there: Machines) -> None:
    with Cluster(there.address) as executor:
        frozen = executor.submit(never, item())
        waiting = executor.submit(quick, item())
    for future in (frozen, waiting):
        with pytest.raises((ExecutorUnavailable, CancelledError)):
            future.result(LONG)


def test_a_scheduler_that_is_not_there_is_one_line() -> None:
    nobody = pytest.raises(ExecutorUnavailable, match=r"no dask scheduler answers at tcp://127.0.0.1:9; start one")
    with nobody, cluster("tcp://127.0.0.1:9"):
        pytest.fail("nobody is there")


@pytest.mark.parametrize(
    ("text", "address", "readable"),
    [
        ("dask://127.0.0.1:8786", "tcp://127.0.0.1:8786", False),
        ("dask://[::1]:8786", "tcp://[::1]:8786", False),
        ("dask://localhost:8786", "tcp://localhost:8786", False),
        ("dask://machine.example:8786", "tcp://machine.example:8786", True),
        ("dask+tls://machine.example:8786", "tls://machine.example:8786", False),
    ],
)
def test_an_address_says_who_can_read_along(text: str, address: str, readable: bool) -> None:
    assert scheduler_address(text) == (address, readable)


@pytest.mark.parametrize(
    "text", ["dask://here", "dask://here:x", "dask://:1", "tcp://h:1", "dask://h:1/x", "", "dask://[:1"]
)
def test_what_is_no_address_is_one_line(text: str) -> None:
    with pytest.raises(AddressError, match=r"write dask://HOST:PORT or dask\+tls://HOST:PORT"):
        scheduler_address(text)


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-m", "diagnostics", "repro", "--profile", "smoke", "--offline", *arguments]
    return subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False, timeout=LONG)


def test_the_command_says_what_is_wrong_with_an_executor(tmp_path: Path) -> None:
    written = command("--executor", "dask://here", "--reports", str(tmp_path))
    assert (written.returncode, written.stdout, written.stderr.count("\n")) == (2, "", 2)  # the error, and a hint
    assert "write dask://HOST:PORT" in written.stderr
    assert list(tmp_path.iterdir()) == []

    alone = command("--executor", "dask://127.0.0.1:9", "--reports", str(tmp_path))
    assert (alone.returncode, alone.stdout, alone.stderr.count("\n")) == (1, "", 1)
    assert "no dask scheduler answers at tcp://127.0.0.1:9" in alone.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.environment
def test_the_command_is_played_elsewhere_and_can_be_interrupted(
    there: Machines,
    environment: Callable[[str], PreparedEnvironment],
    combination: Callable[[str], Combination],
    tmp_path: Path,
) -> None:
    environment("httpx2")
    cells = ["--provider", "httpx2", "--runs", "1", "--calls", "1", "--concurrency", "1", "--trials", "300"]
    where = ["--environment", combination("httpx2").slug, "--executor", there.address.replace("tcp", "dask")]
    process = subprocess.Popen(
        [sys.executable, "-m", "diagnostics", "repro", *cells, *where, "--reports", str(tmp_path)],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    while process.poll() is None and not any(file.stat().st_size for file in tmp_path.glob(f"*/{TRIALS}")):
        with suppress(subprocess.TimeoutExpired):
            process.wait(0.05)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=LONG)
    assert process.returncode == 130, errors
    (file,) = tmp_path.glob(f"*/{TRIALS}")
    kept = len(stored_trials(file.parent))
    assert kept > 0
    assert f"interrupted; {kept} trials are kept; resume with: " in errors
    assert "Traceback" not in errors
