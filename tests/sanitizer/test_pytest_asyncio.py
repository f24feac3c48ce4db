"""A suite under pytest-asyncio, which gives each test a loop of its own, run under the sanitizer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.sanitizer.conftest import Ran

KEPT = """
import os
import httpx2
import pytest

client = httpx2.AsyncClient()
URL, HEADERS = os.environ["PROVIDER"] + "/openai/v1/models", {"authorization": "Bearer none"}

@pytest.mark.asyncio
async def test_one():
    assert (await client.get(URL, headers=HEADERS)).status_code == 200  # FIRST

@pytest.mark.asyncio
async def test_two():
    with pytest.raises(RuntimeError, match="Event loop is closed"):
        await client.get(URL, headers=HEADERS)  # SECOND
"""
CLOSED = """
import os
import httpx2
import pytest
import pytest_asyncio

URL, HEADERS = os.environ["PROVIDER"] + "/openai/v1/models", {"authorization": "Bearer none"}

@pytest_asyncio.fixture
async def client():
    async with httpx2.AsyncClient() as client:
        yield client

@pytest.mark.asyncio
@pytest.mark.parametrize("number", range(3))
async def test_it(client, number):
    assert (await client.get(URL, headers=HEADERS)).status_code == 200
"""
SCOPES = CLOSED.replace(
    "@pytest_asyncio.fixture", '@pytest_asyncio.fixture(scope="session", loop_scope="session")'
).replace(
    "async with httpx2.AsyncClient() as client:\n        yield client",
    "async with httpx2.AsyncClient() as client:\n        await client.get(URL, headers=HEADERS)\n        yield client",
)


@pytest.fixture
def suite(run: Callable[..., Ran], tmp_path: Path) -> Callable[[str], Ran]:
    """Runs a test file as `python -m diagnostics run -m pytest` does."""

    def run_suite(text: str) -> Ran:
        (tmp_path / "test_it.py").write_text(text)
        return run("pytest", "pytest", "-q", "-p", "no:cacheprovider", "test_it.py", module=True)

    return run_suite


def line_of(text: str, part: str) -> int:
    return next(number for number, line in enumerate(text.splitlines(), 1) if part in line)


@pytest.mark.environment
def test_a_client_that_is_kept_over_tests_is_found_with_the_lines_of_the_tests(
    suite: Callable[[str], Ran], tmp_path: Path
) -> None:
    ran = suite(KEPT)
    assert "2 passed" in ran.output
    assert ran.status == 66
    assert ran.kinds == {"client-left-open": "leak", "cross-loop-use": "error"}
    for finding in ran.findings:
        created = finding["client"]["created_at"]
        assert (created["file"], created["line"]) == (
            str(tmp_path / "test_it.py"),
            line_of(KEPT, "httpx2.AsyncClient()"),
        )
        assert finding["connection"]["opened_at"]["line"] == line_of(KEPT, "# FIRST")
        assert finding["fault"]["component"] == "user"
        if finding["kind"] == "cross-loop-use":
            assert finding["access"]["site"]["function"] == "test_two"
            assert finding["access"]["site"]["line"] == line_of(KEPT, "# SECOND")


@pytest.mark.environment
def test_a_fixture_that_closes_its_client_is_silent(suite: Callable[[str], Ran]) -> None:
    ran = suite(CLOSED)
    assert "3 passed" in ran.output
    assert (ran.status, ran.findings, "no problem found" in ran.errors) == (0, [], True)


@pytest.mark.environment
def test_who_gives_the_fixture_and_its_tests_different_loops_is_at_fault(suite: Callable[[str], Ran]) -> None:
    ran = suite(SCOPES)
    faults = {each["fault"]["component"] for each in ran.findings if each["kind"] == "cross-loop-use"}
    assert faults == {"user"}
    assert "for the fixture and its tests" in ran.errors
