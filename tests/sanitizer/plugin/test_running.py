"""The plugin in runs that end early, fork, die, or do not want it."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.sanitizer.plugin.conftest import SuiteRun, programs

if TYPE_CHECKING:
    from collections.abc import Callable

FIXTURES = programs("fixtures.py")
LEAK = """
import asyncio, httpx2, os, pytest
from conftest import fetch

def test_leak():
    asyncio.run(fetch(httpx2.AsyncClient()))
"""
MORE = """
def test_after():
    pass
"""
ABSENT = """
import sys

def test_nothing_is_imported():
    names = {name for name in sys.modules if name.partition(".")[0] == "diagnostics"}
    assert names == NAMES
    assert "asyncio" not in sys.modules
"""


def suite(*parts: str) -> dict[str, str]:
    return {**FIXTURES, "test_it.py": "\n".join(parts)}


@pytest.mark.environment
@pytest.mark.parametrize(
    ("options", "names"),
    [((), "{'diagnostics', 'diagnostics.pytest_plugin'}"), (("-p", "no:event_loops", "-o", "addopts="), "set()")],
)
def test_without_being_asked_it_is_silent_and_imports_nothing(
    run_suite: Callable[..., SuiteRun], options: tuple[str, ...], names: str
) -> None:
    off = ("-p", "no:asyncio", "-p", "no:anyio", "-p", "no:hypothesispytest", "-p", "no:xdist", "-p", "no:forked")
    ran = run_suite({"test_it.py": ABSENT.replace("NAMES", names)}, *off, *options, asked=False)
    assert ran.status == 0, ran.output
    assert "event loops" not in ran.output
    assert ran.document == {}


@pytest.mark.environment
@pytest.mark.parametrize(("options", "shown"), [((), True), (("--event-loops=off",), False)])
def test_who_asks_for_findings_gets_a_report(
    run_suite: Callable[..., SuiteRun], options: tuple[str, ...], shown: bool
) -> None:
    ran = run_suite(suite(LEAK), "-n0", *options)  # with --event-loops-json
    assert ran.status == 0, ran.output
    assert bool(ran.document) is shown
    assert ("= test:  test_it.py::test_leak" in ran.output) is shown


@pytest.mark.environment
@pytest.mark.parametrize("workers", ["-n0", "-n1"])
def test_an_error_is_a_report_that_junit_the_terminal_and_the_exit_status_see(
    run_suite: Callable[..., SuiteRun], workers: str
) -> None:
    ran = run_suite(suite(LEAK, MORE), "--event-loops=error", "--junit-xml=junit.xml", workers)
    assert ran.status == 1
    assert "2 passed, 1 error" in ran.output
    assert "ERROR test_it.py::test_leak [event-loops] - leak[client-left-open]" in ran.output
    cases = {case.get("name"): case for case in ET.parse(ran.folder / "junit.xml").iter("testcase")}
    error = cases["test_leak [event-loops]"].find("error")
    assert error is not None
    assert "test_it.py::test_leak" in (error.text or "")
    assert set(cases) == {"test_leak", "test_after", "test_leak [event-loops]"}
    assert ran.document["program"]["exit_code"] == 1


@pytest.mark.environment
def test_naming_the_plugin_where_it_is_installed_changes_nothing(run_suite: Callable[..., SuiteRun]) -> None:
    named = {"test_it.py": "def test_it():\n    pass\n"}
    installed = "pytest_plugins = ['diagnostics.pytest_plugin']\n"
    for files, options in ((named, ("-p", "diagnostics.pytest_plugin")), ({**named, "conftest.py": installed}, ())):
        ran = run_suite(files, "--event-loops=error", "-n0", *options)
        assert ran.status == 0, ran.output
        assert "no problem found" in ran.output


@pytest.mark.environment
def test_a_report_changes_neither_outcome_nor_status(run_suite: Callable[..., SuiteRun]) -> None:
    ran = run_suite(suite(LEAK, MORE), "--event-loops=report", "-v", "--junit-xml=junit.xml", "-n0")
    assert ran.status == 0
    assert "2 passed in" in ran.output
    assert ran.output.count("test_it.py::test_leak") == 2  # its own line, and that of the block
    (noted,) = ET.parse(ran.folder / "junit.xml").iter("property")
    assert (noted.get("value") or "").startswith("leak[client-left-open]: AsyncClient ")


@pytest.mark.environment
def test_the_first_failure_ends_the_run(run_suite: Callable[..., SuiteRun]) -> None:
    ran = run_suite(suite(LEAK, MORE), "--event-loops=error", "-x", "-n0")
    assert "1 passed, 1 error" in ran.output
    assert ran.status == 1


BORROWED = """
@pytest.fixture
def borrowed(request):
    request.getfixturevalue("opened")  # a fixture of a package creates the client
    return httpx2.AsyncClient()

def test_borrows(borrowed):
    asyncio.run(fetch(borrowed))
"""
PACKAGE = """
import asyncio, httpx2, pytest
from conftest import fetch

@pytest.fixture
def opened():
    loop = asyncio.new_event_loop()
    client = httpx2.AsyncClient()
    loop.run_until_complete(fetch(client))
    yield client
    loop.close()
"""


@pytest.mark.environment
def test_a_stack_goes_on_to_the_fixture_that_asks_for_another(run_suite: Callable[..., SuiteRun]) -> None:
    files = {**suite(LEAK, BORROWED), "plugin.py": PACKAGE}
    ran = run_suite(files, "--event-loops=report", "-p", "plugin", "-k", "borrows", "-n0")
    created = {each["client"]["created_at"]["line"]: each["test"]["fixture"] for each in ran.document["findings"]}
    assert sorted(filter(None, created.values())) == ["borrowed", "opened"], ran.output


@pytest.mark.environment
@pytest.mark.parametrize("options", [("--forked", "-n0"), ("-n2", "--dist=loadscope"), ("--reruns=1", "-n0")])
def test_other_ways_to_run_a_test(run_suite: Callable[..., SuiteRun], options: tuple[str, ...]) -> None:
    again = MORE + "    assert not list(tries)\n    tries.append(1)\n" if "--reruns=1" in options else MORE
    ran = run_suite(suite(LEAK, "tries = []", again), "--event-loops=error", *options)
    assert {blame[2:] for blame in ran.blamed} == {("test_it.py::test_leak", "call", None, None)}, ran.output
    assert ran.status == 1


@pytest.mark.environment
def test_a_worker_that_dies_has_written_what_it_found(run_suite: Callable[..., SuiteRun]) -> None:
    dies = "def test_dies():\n    os._exit(3)\n"
    ran = run_suite(suite(LEAK, dies), "--event-loops=error", "-n1", "--max-worker-restart=0")
    assert {blame[2:] for blame in ran.blamed} == {("test_it.py::test_leak", "call", None, None)}, ran.output
    assert "blind spot: a process that ran tests was killed" in ran.output
    assert ran.status == 1


@pytest.mark.environment
def test_an_interrupted_run_is_reported(run_suite: Callable[..., SuiteRun]) -> None:
    interrupted = "def test_interrupted():\n    raise KeyboardInterrupt\n"
    ran = run_suite(suite(LEAK, interrupted, MORE), "--event-loops=error", "-n0")
    assert ran.status == pytest.ExitCode.INTERRUPTED
    assert {blame[2] for blame in ran.blamed} == {"test_it.py::test_leak"}
    assert "= event loops =" in ran.output


@pytest.mark.environment
@pytest.mark.parametrize(("follow", "workers"), [((), "-n0"), (("--follow",), "-n1"), ((), "-n1")])
def test_under_diagnostics_run_the_test_is_told_once_and_is_in_both_documents(
    run_suite: Callable[..., SuiteRun], follow: tuple[str, ...], workers: str
) -> None:
    under = ("-m", "diagnostics.sanitizer", *follow, "--json", "outer.json")
    asked = ("--event-loops=error", workers, "-W", "error::pytest.PytestAssertRewriteWarning")
    ran = run_suite(suite(LEAK), *asked, under=under)
    assert ran.status == 1
    assert ran.output.count("= test:  test_it.py::test_leak") == 1, ran.output
    assert "1 leak · 1 client · 1 loop · " in ran.output
    if workers != "-n0" and not follow:  # the sanitizer does not watch the workers
        return
    outer = json.loads((ran.folder / "outer.json").read_text())
    for document in (outer, ran.document):
        assert {each["test"]["nodeid"] for each in document["findings"]} == {"test_it.py::test_leak"}


@pytest.mark.environment
def test_a_conftest_that_fails_ends_the_run_as_without_the_plugin(run_suite: Callable[..., SuiteRun]) -> None:
    files = {"conftest.py": "import httpx2\n\nclient = httpx2.AsyncClient()\nraise ValueError\n", "test_it.py": MORE}
    for asked in ((), ("--event-loops=error",)):
        ran = run_suite(files, *asked, "-n0", asked=False)
        assert ran.status == pytest.ExitCode.USAGE_ERROR
        assert "ImportError while loading conftest" in ran.output
        assert "pytest_plugin" not in ran.output


@pytest.mark.environment
def test_invalid_usage_is_a_line(run_suite: Callable[..., SuiteRun]) -> None:
    marked = "@pytest.mark.event_loops(allow='leak')\ndef test_marked():\n    pass\n"
    for options, words in (
        (("-o", "event_loops=on"), "event_loops is 'on'; write one of off, report, error"),
        (("--event-loops=report", "-o", "event_loops_suppress=leak"), "event_loops_suppress: suppressions, line 1"),
        (("--event-loops=report", "--event-loops-confirm", "-o", "event_loops_confirm_seconds=-1"), "is '-1'; write a"),
        (("--event-loops=report", "--event-loops-suppress=none"), "--event-loops-suppress none: cannot read it"),
        (("--event-loops=report", "-n0"), "test_it.py::test_marked: marker event_loops: 'leak' is not one of"),
    ):
        ran = run_suite(suite(LEAK, marked), *options)
        assert ran.status == pytest.ExitCode.USAGE_ERROR
        assert words in ran.output
        assert "Traceback" not in ran.output


@pytest.mark.environment
def test_annotations_in_github_actions(run_suite: Callable[..., SuiteRun]) -> None:
    ran = run_suite(suite(LEAK), "--event-loops=report", "-n0", more={"GITHUB_ACTIONS": "true"})
    (line,) = [line for line in ran.output.splitlines() if line.startswith("::")]
    assert line.startswith("::warning file=test_it.py,line=6,col=23,title=client-left-open::")
    assert "test_it.py::test_leak" in line


@pytest.mark.environment
@pytest.mark.parametrize(("confirmed", "workers"), [((), "-n0"), (("--event-loops-confirm",), "-n0"), ((), "-n1")])
def test_run_and_the_plugin_annotate_a_line_once(
    run_suite: Callable[..., SuiteRun], confirmed: tuple[str, ...], workers: str
) -> None:
    under = ("-m", "diagnostics.sanitizer", "--follow", "--format=github")
    asked = ("--event-loops=report", *confirmed, "-o", "event_loops_confirm_seconds=600", workers)
    ran = run_suite(suite(LEAK), *asked, under=under, more={"GITHUB_ACTIONS": "true"})
    assert len([line for line in ran.output.splitlines() if line.startswith("::")]) == 1, ran.output


@pytest.mark.environment
def test_what_two_workers_find_is_counted_of_both(run_suite: Callable[..., SuiteRun]) -> None:
    second = LEAK.replace("test_leak", "test_second")
    under = ("-m", "diagnostics.sanitizer", "--follow")
    asked = ("--event-loops=report", "-n2", "--dist=loadfile")
    ran = run_suite({**suite(LEAK), "test_two.py": second}, *asked, under=under)
    assert "2 leaks · 2 clients · 2 loops · 2 calls, 2 requests" in ran.output, ran.output
    ran = run_suite({**suite(LEAK), "test_two.py": second}, *asked)
    assert "2 leaks · 2 clients · 2 loops · 2 calls, 2 requests" in ran.output, ran.output


def example(name: str) -> str:
    """A block of the guide."""
    guide = Path(__file__).parents[3].joinpath("docs", "guides", "find-the-test-that-leaks.md").read_text()
    (found,) = re.findall(rf"<!-- example: {re.escape(name)} -->\n```\w+\n(.*?)```", guide, re.DOTALL)
    return str(found)


ANYIO = """

@pytest.fixture
def anyio_backend():
    return "asyncio"
"""


@pytest.mark.environment
@pytest.mark.parametrize("runner", ["asyncio", "anyio"])
def test_the_guide_shows_what_is_printed(
    run_suite: Callable[..., SuiteRun], surroundings: Callable[[str], dict[str, str]], runner: str
) -> None:
    program = example("tests/test_chat.py")
    if runner == "anyio":
        program = program.replace("pytest.mark.asyncio", "pytest.mark.anyio") + ANYIO
    confirm = ("--event-loops-confirm", "-o", "event_loops_confirm_seconds=600")
    more = {"API_URL": surroundings("guide")["PROVIDER"], "GITHUB_ACTIONS": "true"}
    ran = run_suite({"tests/test_chat.py": program}, "--event-loops=error", *confirm, "-n0", more=more)
    again = example("a confirmation")
    assert again in ran.output
    printed, output = example("what is printed"), ran.output.replace(again, "")
    if runner == "anyio":  # another package makes the loop, and helps in another way
        printed = printed.partition("help: ")[0].replace("pytest-asyncio, function scope", "anyio, pytest plugin")
        assert "help: or use one loop: `anyio_backend` with session scope" in output
    assert printed in output, output
    assert "ERROR tests/test_chat.py::test_one [event-loops] - error[cross-loop-use]" in output
    assert [line.partition(",title=")[0] for line in output.splitlines() if line.startswith("::")] == [
        "::error file=tests/test_chat.py,line=9,col=12"
    ]
    assert ran.status == 1
