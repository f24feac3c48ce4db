"""`--event-loops-confirm`: what runs of single tests say of a root cause."""

from __future__ import annotations

import os
import select
import signal
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.sanitizer.plugin.conftest import SuiteRun, programs

if TYPE_CHECKING:
    from collections.abc import Callable

FIXTURES = programs("fixtures.py")
TESTS = """
import asyncio, httpx2, pytest
from conftest import fetch

kept = []

def test_before():
    kept.append("something")

def test_leaks_after_another():
    client = httpx2.AsyncClient()
    asyncio.run(fetch(client) if kept else client.aclose())

@pytest.fixture(scope="module")
def shared():
    return httpx2.AsyncClient()

def test_makes_it(shared):
    asyncio.run(fetch(shared))

def test_uses_it(shared):
    with pytest.raises(RuntimeError):
        asyncio.run(fetch(shared))
"""


def confirmations(document: dict[str, Any]) -> dict[str, Any]:
    """The confirmation for each test to blame."""
    named = {cause["findings"][0] for cause in document["root_causes"]}
    tests = [each["test"] for each in document["findings"] if each["id"] in named]
    return {test["nodeid"].partition("::")[2]: test["confirmation"] for test in tests}


@pytest.mark.environment
def test_a_root_cause_is_confirmed_or_suspected(run_suite: Callable[..., SuiteRun]) -> None:
    asked = ("--event-loops=report", "--event-loops-confirm", "-o", "event_loops_confirm_seconds=600")
    others = ("--junit-xml=junit.xml", "-k", "test", "test_it.py")
    ran = run_suite({**FIXTURES, "test_it.py": TESTS}, *asked, *others, "-n1", more={"GITHUB_ACTIONS": "true"})
    assert ran.status == 0, ran.output
    assert confirmations(ran.document) == {
        "test_leaks_after_another": {"state": "suspected", "shown": 0, "runs": 2, "text": "in 0 of 2 runs alone"},
        "test_makes_it": {
            "state": "confirmed",
            "shown": 3,
            "runs": 5,
            "text": "in 0 of 2 runs alone, in 3 of 3 runs with test_it.py::test_uses_it",
        },
    }
    assert "   = again: suspected: in 0 of 2 runs alone" in ran.output.splitlines()
    annotations = [line for line in ran.output.splitlines() if line.startswith("::")]
    assert sum("%0Aconfirmed: in " in line for line in annotations) == 1
    cases = ET.parse(ran.folder / "junit.xml")
    assert sum("suspected: in 0" in (each.get("value") or "") for each in cases.iter("property")) == 1
    assert len(list(cases.iter("testcase"))) == 4 + 2


@pytest.mark.environment
def test_junit_has_the_confirmation_where_the_run_stops_at_a_failure(run_suite: Callable[..., SuiteRun]) -> None:
    asked = ("--event-loops=error", "--event-loops-confirm", "-x", "-o", "event_loops_confirm_seconds=600")
    ran = run_suite({**FIXTURES, "test_it.py": TESTS}, *asked, "--junit-xml=junit.xml", "-n0")
    assert ran.status == 1
    cases = ET.parse(ran.folder / "junit.xml")
    assert [each.get("value") for each in cases.iter("property") if each.get("name") == "event_loops_confirmation"] == [
        "suspected: in 0 of 2 runs alone"
    ]


@pytest.mark.environment
def test_to_confirm_is_to_ask_for_a_report(run_suite: Callable[..., SuiteRun]) -> None:
    asked = ("--event-loops-confirm", "-k", "before or another", "-o", "event_loops_confirm_seconds=600")
    ran = run_suite({**FIXTURES, "test_it.py": TESTS}, *asked, "-n0", asked=False)
    assert "   = again: suspected: in 0 of 2 runs alone" in ran.output.splitlines()


AGAIN = """
import asyncio, httpx2, os, signal
from conftest import fetch

def test_again():
    asyncio.run(fetch(httpx2.AsyncClient()))
    try:
        open("ran", "x").close()
    except FileExistsError:
        os.write(os.open("alive", os.O_WRONLY), b"x")
        os.kill(os.getppid(), int(os.environ["SIGNAL"]))
        signal.pause()
"""


@pytest.mark.environment
def test_a_run_may_take_only_so_long(run_suite: Callable[..., SuiteRun], tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "alive")  # nobody reads it
    ran = again(run_suite, tmp_path, 0, "-o", "event_loops_confirm_seconds=1")
    assert ran.status == 0, ran.output
    (only,) = confirmations(ran.document).values()
    assert (only["state"], only["text"]) == ("suspected", "in 0 of 0 runs alone, 2 without a result in 1 s")


@pytest.mark.environment
@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, pytest.ExitCode.INTERRUPTED), (signal.SIGKILL, -signal.SIGKILL)]
)
def test_a_run_ends_with_the_process_that_started_it(
    run_suite: Callable[..., SuiteRun], tmp_path: Path, number: int, status: int
) -> None:
    os.mkfifo(tmp_path / "alive")
    reader = os.open(tmp_path / "alive", os.O_RDONLY | os.O_NONBLOCK)
    try:
        ran = again(run_suite, tmp_path, number, "-o", "event_loops_confirm_seconds=600")
        assert ran.status == status, ran.output
        assert number == signal.SIGKILL or "1 leak" in ran.output
        read = True
        while read:
            assert select.select([reader], [], [], 60)[0], "a process still has the other end"
            read = bool(os.read(reader, 100))
    finally:
        os.close(reader)


def again(run_suite: Callable[..., SuiteRun], folder: Path, number: int, *options: str) -> SuiteRun:
    """Runs a suite whose test, when it runs again, sends a signal to the process that started it, and waits."""
    files = {**FIXTURES, "test_it.py": AGAIN.replace('"alive"', repr(str(folder / "alive")))}
    more = {"SIGNAL": str(int(number)), "TMPDIR": str(folder)}
    return run_suite(files, "--event-loops=report", "--event-loops-confirm", "-n0", *options, more=more)
