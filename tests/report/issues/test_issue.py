"""An issue's body: each project's own form, the right case, what its script gave, and never too long."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path

import pytest
import tomllib
from packaging.requirements import Requirement

import diagnostics.report.issues.projects
from diagnostics.experiment.providers import PROVIDERS
from diagnostics.experiment.scenarios import SCENARIOS
from diagnostics.model.cell import Environment
from diagnostics.model.trial import FindingCount, Trial
from diagnostics.redaction import Secrets
from diagnostics.report.issues import issue
from diagnostics.report.issues.issue_model import NOT_RUN, Case, Posting, Project, ScriptRun, choose_case, newest
from diagnostics.report.issues.parts import PARTS
from diagnostics.report.issues.projects import PROJECTS
from diagnostics.report.issues.script import FOLDER, SCRIPT, SERVER, script_files
from diagnostics.report.markup.truncate import LIMIT
from diagnostics.report.view.build import build_view
from diagnostics.report.view.view_models import View
from diagnostics.runs.records import Run

HERE = Path(diagnostics.report.issues.projects.__file__).parent
EVERY_CASE = [(project, case) for project in PROJECTS.values() for case in project.cases]
# What a script may import beside the standard library.
ALONE = {
    "openai-python": {"openai"},
    "anthropic-sdk-python": {"anthropic"},
    "python-genai": {"google"},
    "httpx": {"httpx"},
    "httpx2": {"httpx2"},
    "httpcore": {"httpcore"},
    "anyio": {"anyio"},
    "aiohttp": {"aiohttp"},
    "cpython": set(),
    "pydantic-ai": {"pydantic_ai"},
}
GAVE = ScriptRun(
    where="Python 3.13.0, openai 3.54.0",
    system="Linux x86_64",
    python="Python 3.13.0 (main)",
    packages={"openai": "3.54.0"},
    exit_status=1,
    output="run 1\nRESULT: logged=1 other=0\n",
    seconds=1.5,
)


@pytest.fixture(scope="module")
def view(sample: Run) -> View:
    return build_view(sample, Secrets(), {"context-manager": "a new pool for each run"})


def _body(view: View, project: Project, run: ScriptRun = GAVE) -> str:
    return issue.render(view, Posting(project, choose_case(view, project), run))


def test_the_table_of_projects_and_the_folder_agree() -> None:
    files = {path.stem for path in HERE.glob("*.toml")} - {"shared"}
    assert files == set(PROJECTS) == set(ALONE)


@pytest.mark.parametrize("name", PROJECTS)
def test_a_project_has_no_field_that_is_not_read(name: str) -> None:
    data = tomllib.loads((HERE / f"{name}.toml").read_text("utf-8"))
    assert set(data) <= {field.name for field in fields(Project)}
    assert {key for case in data["cases"] for key in case} <= {
        "like",
        "client",
        "then",
        *(f.name for f in fields(Case)),
    }


@pytest.mark.parametrize("project", PROJECTS.values(), ids=PROJECTS)
def test_a_project_names_what_there_is(project: Project) -> None:
    assert {part for field in project.form for part in field.parts} <= set(PARTS)
    assert {case.scenario for case in project.cases} <= set(SCENARIOS)
    assert set(project.providers) <= set(PROVIDERS)
    assert len({case.template + case.title for case in project.cases}) == len(project.cases)


def test_every_part_and_every_template_is_used() -> None:
    named = {part for project in PROJECTS.values() for field in project.form for part in field.parts}
    assert named == set(PARTS)
    shared = {"base", "server", "with_client"}
    files = {path.name.removesuffix(".py.j2") for path in (HERE.parent / FOLDER).iterdir()}
    assert files - shared == {case.template for _, case in EVERY_CASE}


@pytest.mark.parametrize("project", PROJECTS.values(), ids=PROJECTS)
def test_every_form_asks_for_what_an_issue_needs(project: Project) -> None:
    parts = [part for field in project.form for part in field.parts]
    assert {"what", "whose", "expected", "actual", "steps", "script", "output", "matrix", "timeline", "fix"} <= set(
        parts
    )
    assert {"system", "python"} <= set(parts)
    assert len(parts) == len(set(parts))


@pytest.mark.parametrize(("project", "case"), EVERY_CASE, ids=lambda each: getattr(each, "name", None) or each.template)
def test_a_script_needs_the_projects_package_alone(project: Project, case: Case) -> None:
    files = script_files(project, case)
    text = files[SCRIPT]
    assert len(text.splitlines()) <= 40
    tree = ast.parse(text, feature_version=(3, 10))
    ast.parse(files.get(SERVER, ""), feature_version=(3, 10))
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name.partition(".")[0] for name in imported} - set(__import__("sys").stdlib_module_names) == (
        ALONE[project.name] | ({"server"} if SERVER in files else set())
    )
    assert max(map(len, text.splitlines())) <= 120
    assert ast.get_docstring(tree) == f"{case.title}."
    header = text.partition("# /// script\n")[2].partition("# ///\n")[0]
    said = tomllib.loads("".join(line.removeprefix("# ") + "\n" for line in header.splitlines()))
    names = {Requirement(each).name for each in said["dependencies"]}
    assert names == ({project.package} if project.package else set())


@pytest.mark.parametrize("project", PROJECTS.values(), ids=PROJECTS)
def test_a_body_is_the_form_with_its_boxes_unticked(view: View, project: Project) -> None:
    body = _body(view, project)
    places = [body.index(f"### {field.heading}") for field in project.form if field.heading]
    assert places == sorted(places)
    for field in project.form:
        for label in field.boxes:
            assert f"- [ ] {label}" in body
    assert "[x]" not in body
    for name, text in script_files(project, choose_case(view, project)).items():
        assert text.rstrip() in body
        assert (f"<details><summary>{name}</summary>" in body) is (name != SCRIPT)
    assert body.count("exit status 1") == 1
    assert "RESULT: logged=1 other=0" in body


def test_who_is_not_to_blame_is_said(view: View) -> None:
    assert "This is not a bug of AnyIO" in _body(view, PROJECTS["anyio"])
    assert "This is not a bug of CPython" in _body(view, PROJECTS["cpython"])
    assert "Whose it is" not in _body(view, PROJECTS["openai-python"])


def test_the_body_says_what_the_run_saw(view: View) -> None:
    body = _body(view, PROJECTS["openai-python"])
    assert "`gc-inside-run` reproduced it in 3 of 3 environments; it reproduces on the newest release tested" in body
    assert "| scenario, no fix | openai 1.54.0 (httpx 0.27.2), Python 3.13.0 |" in body
    assert "| `context-manager` | ✅ 3 of 3 | a new pool for each run |" in body


@pytest.mark.parametrize("project", PROJECTS.values(), ids=PROJECTS)
def test_a_body_begins_with_a_summary_of_ten_lines_at_most(view: View, project: Project) -> None:
    summary = _body(view, project).partition("\n\n")[0].splitlines()
    assert len(summary) <= 10
    assert [line for line in summary if line.startswith("- **Verified:** ")]
    assert summary[-1].startswith("- **Request:** ")


def test_the_summary_names_related_threads_of_the_project_first(
    trial: Callable[..., Trial], run_of: Callable[..., Run]
) -> None:
    said = "Task exception was never retrieved: aclose(): RuntimeError: Event loop is closed"
    shown = build_view(run_of([trial("none", "logged", scenario="gc-inside-run", evidence=said)]), Secrets())
    (related,) = [line for line in _body(shown, PROJECTS["openai-python"]).splitlines() if "**Related:**" in line]
    assert related.index("github.com/openai/openai-python/issues/") < related.index("llama_index")
    assert "anthropic" not in related


def test_a_script_that_was_not_run_is_said_so(view: View) -> None:
    body = _body(view, PROJECTS["openai-python"], NOT_RUN)
    assert body.count("it was not requested") == 3
    assert "- **Unverified:** " in body
    case = PROJECTS["openai-python"].cases[0]
    assert issue.title(Posting(PROJECTS["openai-python"], case, NOT_RUN)) == f"[unverified] {case.title}"
    assert issue.title(Posting(PROJECTS["openai-python"], case, replace(GAVE, exit_status=0))) != case.title
    assert issue.title(Posting(PROJECTS["openai-python"], case, GAVE)) == case.title
    assert "**reproduced**" not in body


def test_a_script_that_was_ended_shows_what_it_printed(view: View) -> None:
    body = _body(view, PROJECTS["openai-python"], replace(GAVE, exit_status=None, reason="it was ended after 120 s"))
    assert "was not run to its end when this was written (it was ended after 120 s)" in body
    assert "run 1\n" in body


def test_what_cannot_be_told_is_not_called_reproduced(view: View) -> None:
    assert "**cannot tell**" in _body(view, PROJECTS["openai-python"], replace(GAVE, exit_status=2))
    assert "**not reproduced**" in _body(view, PROJECTS["openai-python"], replace(GAVE, exit_status=0))
    assert "**cannot tell**" in _body(view, PROJECTS["openai-python"], replace(GAVE, exit_status=-11))


def test_the_diagram_is_that_of_the_case(view: View, sample: Run) -> None:
    body = _body(view, PROJECTS["openai-python"])
    assert "```mermaid" not in body, "the sample's timeline is of another scenario"
    chosen = PROJECTS["openai-python"].cases[1]
    assert chosen.scenario == "repeated-run"
    shown = issue.render(view, Posting(PROJECTS["openai-python"], chosen, GAVE))
    assert "L2-xL1: cross-loop-use connection.send" in shown


def _run(trial: Callable[..., Trial], run_of: Callable[..., Run], seen: dict[str, list[Environment]]) -> View:
    trials = [
        trial("none", "logged", environment=where, scenario=scenario) for scenario in seen for where in seen[scenario]
    ]
    return build_view(run_of(trials), Secrets())


def test_the_case_is_the_one_that_the_newest_release_shows(
    trial: Callable[..., Trial], env: Callable[..., Environment], run_of: Callable[..., Run]
) -> None:
    old, new = env("2.0", "httpx", "0.28.1"), env("10.0", "httpx2", "2.0")
    project = PROJECTS["openai-python"]
    both = _run(trial, run_of, {"gc-inside-run": [old], "repeated-run": [old, new]})
    assert choose_case(both, project).scenario == "repeated-run"
    only_old = _run(trial, run_of, {"repeated-run": [old]})
    assert choose_case(only_old, project).scenario == "repeated-run"
    nothing = build_view(run_of([trial("none", "none", environment=new, scenario="gc-inside-run")]), Secrets())
    assert choose_case(nothing, project) == project.cases[0]
    leak = (FindingCount("client-left-open", "leak", 1),)
    left = trial("none", "none", environment=new, scenario="repeated-run", instrumented=True, findings=leak)
    assert choose_case(build_view(run_of([left]), Secrets()), project).scenario == "repeated-run"


def test_the_newest_release_is_by_version_then_by_python(
    trial: Callable[..., Trial], env: Callable[..., Environment], run_of: Callable[..., Run]
) -> None:
    places = [
        env("9.0", "httpx", "0.28.1", "3.14.0"),
        env("10.0", "httpx", "0.28.1", "3.9.1"),
        env("10.0", "httpx", "0.28.1", "3.13.0"),
    ]
    row = newest(_run(trial, run_of, {"repeated-run": places}).environments, PROJECTS["openai-python"])
    assert row is not None
    assert (row.packages["openai"], row.python) == ("10.0", "3.13.0")
    assert newest((), PROJECTS["openai-python"]) is None
    assert newest(_run(trial, run_of, {"repeated-run": places}).environments, PROJECTS["aiohttp"]) is None


def test_an_output_without_end_is_cut_and_the_body_stays_short(view: View) -> None:
    for project in PROJECTS.values():
        run = replace(GAVE, output="Traceback\n" * 100_000 + "RESULT: raised=1")
        body = _body(view, project, run)
        assert len(body) < LIMIT
        assert "RESULT: raised=1" in body
        assert "characters left out" in body


def test_without_a_project_the_one_that_the_run_says_most_about_is_taken(view: View) -> None:
    assert issue.unasked(view).project.name == "openai-python"
    assert issue.title(issue.unasked(view)).startswith("[unverified] AsyncOpenAI.__del__")
