"""The scripts of issues show what their issues say, with the real packages."""

from __future__ import annotations

import functools
import sys
from pathlib import Path

import pytest
from packaging.version import Version

from diagnostics.lab.environments import EnvironmentProblem, default_cache, find_interpreter, prepare
from diagnostics.lab.environments.resolve import find_lock
from diagnostics.lab.matrix_file import load_matrix
from diagnostics.lab.script import run_script
from diagnostics.report.issues.issue_model import Case, Project
from diagnostics.report.issues.projects import PROJECTS
from diagnostics.report.issues.script import script_files

# The last line of each script on the newest release that the matrix has; pydantic-ai is in no environment of it.
GIVES = {
    ("openai-python", "collected_in_run"): "RESULT: logged=1 other=0",
    ("openai-python", "repeated_run"): "RESULT: raised=5 other=0 repeated=0",
    ("anthropic-sdk-python", "collected_in_run"): "RESULT: logged=1 other=0",
    ("anthropic-sdk-python", "repeated_run"): "RESULT: raised=0 other=0 repeated=5",
    ("python-genai", "collected_in_run"): "RESULT: logged=0 other=0",
    ("python-genai", "left_open"): "RESULT: left=15 other=0",
    ("python-genai", "repeated_run"): "RESULT: raised=0 other=0 repeated=0",
    ("httpx", "repeated_run"): "RESULT: raised=5 other=0 repeated=0",
    ("httpx2", "repeated_run"): "RESULT: raised=5 other=0 repeated=0",
    ("httpcore", "repeated_run"): "RESULT: raised=5 other=0 repeated=0",
    ("anyio", "kept_stream"): "RESULT: raised=1",
    ("aiohttp", "repeated_run"): "RESULT: raised=5 other=0 repeated=0",
    ("cpython", "kept_stream"): "RESULT: raised=1",
}
CASES = [(project, case) for project in PROJECTS.values() for case in project.cases]


def test_every_script_but_one_is_run_here() -> None:
    known = {(project.name, case.template) for project, case in CASES if project.name != "pydantic-ai"}
    assert known == set(GIVES)


@functools.cache
def _locked(slug: str) -> dict[str, str]:
    """What an environment of the matrix holds; nothing where it cannot be."""
    (combination,) = [each for each in load_matrix() if each.slug == slug]
    try:
        return find_lock(combination, cache=default_cache(), offline=True).packages
    except EnvironmentProblem:
        return {}


def _python(project: Project) -> Path:
    """The interpreter with the newest release concerned."""
    if not project.package:
        return Path(sys.executable)
    fitting = []
    for each in load_matrix():
        # aiohttp changes how google-genai calls, so it is there only where it is asked for.
        if (each.value("aiohttp") is not None) is ("aiohttp" in project.needs) and find_interpreter(each.python):
            packages = _locked(each.slug)
            if all(name in packages for name in project.needs):
                fitting.append((Version(packages[project.package]), Version(each.python), each.slug, each))
    if not fitting:
        pytest.fail(f"no Python of this machine has {' and '.join(project.needs)} in the matrix")
    return prepare(max(fitting)[-1], cache=default_cache()).python


@pytest.mark.environment
@pytest.mark.parametrize(
    ("project", "case"),
    [pair for pair in CASES if (pair[0].name, pair[1].template) in GIVES],
    ids=lambda each: getattr(each, "name", None) or each.template,
)
def test_a_script_gives_what_its_issue_says(project: Project, case: Case) -> None:
    ran = run_script(script_files(project, case), _python(project), timeout=240)
    expected = GIVES[project.name, case.template]
    assert ran.output.splitlines()[-1] == expected, ran.output
    assert ran.exit_status == int(any(not part.endswith("=0") for part in expected.split()[1:]))
    if "raised=0" not in expected and "raised" in expected:
        assert "Event loop is closed" in ran.output
