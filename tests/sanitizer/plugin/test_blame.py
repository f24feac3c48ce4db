"""The right test, phase, fixture and line are blamed, whoever runs the loops and in however many processes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.sanitizer.plugin.conftest import SuiteRun, expected, programs

if TYPE_CHECKING:
    from collections.abc import Callable

CHAT = ("fixtures.py", "service.py", "chat.py")
RUNNERS = ("fixtures.py", "runners.py")


@pytest.mark.environment
def test_the_makers_of_clients_are_blamed_and_no_other_test(run_suite: Callable[..., SuiteRun]) -> None:
    ran = run_suite(programs(*CHAT), "--event-loops=error", "--junit-xml=junit.xml")
    assert ran.blamed == expected(*CHAT), ran.output
    assert ran.status == 1
    assert "passed, 11 errors" in ran.output
    for passing in ("test_right", "test_dropped[a]", "test_allowed", "test_ignored", "test_isolated_right"):
        assert f"{passing} [event-loops]" not in ran.output
    assert ran.hurt("module_client") == {"test_chat.py::test_of_module_again"}
    assert ran.hurt("return httpx2.AsyncClient()") == {"test_chat.py::test_shared_second"}
    # Both scopes, and the settings that cure it.
    assert "`shared` has session scope, its client is used on loops of function scope" in ran.output
    assert '@pytest_asyncio.fixture(scope="session", loop_scope="session")' in ran.advice


@pytest.mark.environment
def test_every_runner_of_loops(run_suite: Callable[..., SuiteRun]) -> None:
    ran = run_suite(programs(*RUNNERS), "--event-loops=report", "--doctest-modules", "-n2")
    doctest = ("<doctest test_runners[1]>", 1, "test_runners.py::test_runners", "call", None, None)
    assert ran.blamed == expected(*RUNNERS) - set(expected("fixtures.py")) | {doctest}, ran.output
    assert ran.status == 0


@pytest.mark.environment
def test_the_shapes_of_public_reports(run_suite: Callable[..., SuiteRun]) -> None:
    ran = run_suite(programs("fixtures.py", "shapes.py"), "--event-loops=error", "-n0")
    assert ran.blamed == expected("shapes.py"), ran.output
    assert ran.hurt("Finalized()") == {"test_shapes.py::test_collects"}
    assert ran.hurt("client = httpx2.AsyncClient()") == {"test_shapes.py::test_two"}
    assert "5 passed, 2 errors" in ran.output


@pytest.mark.environment
def test_fixtures_and_loops_of_every_scope(run_suite: Callable[..., SuiteRun]) -> None:
    ran = run_suite(programs("fixtures.py", "scopes.py"), "--event-loops=error", "-n0", "--reruns=1")
    assert ran.blamed == expected("scopes.py"), ran.output
    assert f"passed, {len(ran.blamed)} errors" in ran.output


@pytest.mark.environment
def test_an_old_pytest_and_other_plugins(run_suite: Callable[..., SuiteRun]) -> None:
    ran = run_suite(programs("fixtures.py", "plugins.py"), "--event-loops=report", environment="pytest-old")
    assert ran.blamed == expected("plugins.py"), ran.output
    assert ran.status == 0
