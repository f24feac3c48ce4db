"""The command that renders a run again: what it writes, and one line for whatever is wrong."""

from __future__ import annotations

import json
import platform
import shutil
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from diagnostics.cli import app
from diagnostics.experiment.fixes import FIXES
from diagnostics.model.finding import Fault, Finding, Hint, Site
from diagnostics.report.formats.registry import FORMATS
from diagnostics.sanitizer.analyze.recorded import Process
from diagnostics.sanitizer.analyze.root_causes import group
from diagnostics.sanitizer.output.json_document import document


def _invoke(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["report", *map(str, arguments)])


def test_a_run_is_rendered_again(folder: Path) -> None:
    result = _invoke(str(folder))
    assert result.exit_code == 0, result.output
    assert (folder / "report.md").read_text(encoding="utf-8").startswith("# Event loop diagnostics")
    assert (folder / "summary.json").exists()
    assert "never-close" in result.stdout


def test_one_format_alone(folder: Path) -> None:
    assert _invoke(str(folder), "--format", "summary").exit_code == 0
    assert (folder / "summary.json").exists()
    assert not (folder / "report.md").exists()


def _unreadable(result: Result) -> str:
    assert (result.exit_code, result.stdout) == (2, "")
    (line,) = result.stderr.splitlines()
    assert line.startswith("error: ")
    return line


def _one_line(result: Result, status: int = 1) -> str:
    assert result.exit_code == status
    assert result.stdout == ""
    line, *hint = result.stderr.splitlines()
    assert line.startswith("error: ")
    assert hint == (["Try 'python -m diagnostics report --help'."] if status == 2 else [])
    return line


def test_a_missing_folder_is_one_line(tmp_path: Path) -> None:
    assert "no such run folder" in _unreadable(_invoke(str(tmp_path / "nothing")))


@pytest.mark.parametrize("content", ["{", "[]"])
def test_a_broken_file_is_one_line_and_writes_nothing(folder: Path, content: str) -> None:
    (folder / "run.json").write_text(content, encoding="utf-8")
    assert "run.json" in _unreadable(_invoke(str(folder)))
    assert not (folder / "report.md").exists()


def test_an_unknown_format_is_one_line_that_names_the_others(folder: Path) -> None:
    assert f"choose from {', '.join(FORMATS)}" in _one_line(_invoke(str(folder), "-f", "htlm"), 2)


def test_a_folder_that_cannot_be_written_is_one_line(folder: Path) -> None:
    (folder / "report.md").mkdir()  # a directory in the way stops root, too
    assert "cannot write" in _one_line(_invoke(str(folder)))


def test_a_cut_off_last_line_is_counted_not_fatal(folder: Path) -> None:
    path = folder / "trials.jsonl"
    path.write_bytes(path.read_bytes()[:-20])
    result = _invoke(str(folder))
    assert result.exit_code == 0
    assert "1 line left out" in result.stdout


def test_the_trade_off_of_each_fix_is_in_the_page(folder: Path) -> None:
    _invoke(str(folder))
    page = (folder / "report.md").read_text(encoding="utf-8")
    (line,) = [line for line in page.splitlines() if line.startswith("| `context-manager` | 1.00")]
    assert FIXES["context-manager"].trade_off.split(";")[0] in line


def test_the_help_names_the_formats() -> None:
    result = _invoke("--help")
    assert result.exit_code == 0
    assert all(name in result.stdout for name in FORMATS)


def test_only_what_need_not_be_asked_for_is_written(folder: Path) -> None:
    before = {path.name for path in folder.iterdir()}
    assert _invoke(str(folder)).exit_code == 0
    assert {path.name for path in folder.iterdir()} - before == {"report.md", "report.html", "summary.json"}


@pytest.mark.parametrize(
    "name", [name for name, row in FORMATS.items() if row.on_request and name not in ("issue", "png", "svg")]
)
def test_a_format_that_is_asked_for_goes_where_it_is_wanted(folder: Path, tmp_path: Path, name: str) -> None:
    out = tmp_path / "elsewhere"
    assert _invoke(str(folder), "-f", name, "--out", str(out)).exit_code == 0
    (path,) = out.iterdir()
    assert path.name == FORMATS[name].file_name
    assert _invoke(str(folder), "-f", name, "--out", str(tmp_path / "one.x")).exit_code == 0
    assert (tmp_path / "one.x").read_bytes() == path.read_bytes()
    assert _invoke(str(folder), "-f", name, "--out", "-").stdout == path.read_text(encoding="utf-8")


def test_two_formats_do_not_fit_into_one_file(folder: Path, tmp_path: Path) -> None:
    said = _one_line(_invoke(str(folder), "-f", "json", "-f", "trace", "--out", str(tmp_path / "x.json")), 2)
    assert "name a folder, or one --format" in said


@pytest.mark.slow
def test_pictures_are_several_files_and_go_into_a_folder(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "elsewhere"
    assert _invoke(str(folder), "-f", "svg", "--out", str(out)).exit_code == 0
    assert [path.name for path in out.iterdir()] == ["plots"]
    for place in ("-", str(tmp_path / "one.svg")):
        assert "svg is several files; name a folder" in _one_line(_invoke(str(folder), "-f", "svg", "--out", place), 2)


def test_an_issue_holds_what_its_script_gave(folder: Path) -> None:
    result = _invoke(str(folder), "--for", "cpython", "--python", sys.executable)
    assert result.exit_code == 0, result.output
    assert "post it at https://github.com/python/cpython/issues/new" in result.stderr
    body = (folder / "issue-cpython.md").read_text(encoding="utf-8")
    assert "RuntimeError: Event loop is closed" in body
    assert "**reproduced**, `RESULT: raised=1`" in body
    assert f"Python {platform.python_version()}" in body
    assert str(Path.home()) not in body


@pytest.mark.parametrize(
    ("project", "why"),
    [("openai-python", "is not in the matrix; name"), ("pydantic-ai", "no environment of this run holds")],
)
def test_a_script_that_cannot_be_run_is_an_issue_that_says_so(folder: Path, project: str, why: str) -> None:
    refused = _one_line(_invoke(str(folder), "--for", project))
    assert why in refused
    assert "add --unverified" in refused
    assert not (folder / f"issue-{project}.md").exists()
    result = _invoke(str(folder), "--for", project, "--unverified")
    assert result.exit_code == 0, result.output
    body = (folder / f"issue-{project}.md").read_text(encoding="utf-8")
    assert "The script was not run: " in body
    assert result.stderr.startswith("title: [unverified] ")


@pytest.mark.parametrize(("there", "said"), [(False, "cannot be started"), (True, "is not a Python that can run it")])
def test_an_interpreter_that_is_none_is_an_error(folder: Path, tmp_path: Path, *, there: bool, said: str) -> None:
    python = tmp_path / "python"
    if there:
        python.write_text("#!/bin/sh\necho no Python\n", encoding="utf-8")
        python.chmod(0o700)
    line = _one_line(_invoke(str(folder), "--for", "anyio", "--python", str(python)))
    assert said in line
    assert not (folder / "issue-anyio.md").exists()


def test_several_issues_in_one_go(folder: Path) -> None:
    assert _invoke(str(folder), "--for", "pydantic-ai", "--for", "aiohttp", "--unverified").exit_code == 0
    assert {path.name for path in folder.glob("issue-*")} == {"issue-pydantic-ai.md", "issue-aiohttp.md"}


def test_an_issue_needs_a_project_that_has_a_form(folder: Path) -> None:
    assert "needs a project; add --for with one of openai-python" in _one_line(_invoke(str(folder), "-f", "issue"), 2)
    assert "choose from openai-python" in _one_line(_invoke(str(folder), "--for", "opneai"), 2)


def test_two_runs_are_compared(folder: Path, tmp_path: Path) -> None:
    other = shutil.copytree(folder, tmp_path / "other")
    lines = (other / "trials.jsonl").read_text(encoding="utf-8")
    (other / "trials.jsonl").write_text(lines.replace('"symptom":"logged"', '"symptom":"raised"'), encoding="utf-8")
    result = _invoke(str(folder), str(other))
    assert result.exit_code == 0, result.output
    assert "cells changed" in result.stdout
    assert "logged -> raised" in result.stdout
    page = _invoke(str(folder), str(other), "-f", "markdown")
    assert page.stdout.startswith("# What changed between two runs")
    assert _invoke(str(folder), str(other), "--out", str(tmp_path / "c.txt")).exit_code == 0
    assert "logged -> raised" in (tmp_path / "c.txt").read_text(encoding="utf-8")
    assert "choose from text, markdown" in _one_line(_invoke(str(folder), str(other), "-f", "json"), 2)
    assert "3 runs given" in _one_line(_invoke(str(folder), str(other), str(other)), 2)
    assert "an issue is about one run" in _one_line(_invoke(str(folder), str(other), "--for", "anyio"), 2)


def test_the_findings_of_a_program_become_sarif(tmp_path: Path) -> None:
    file = tmp_path / "findings.json"
    site = Site(str(Path.cwd() / "app" / "main.py"), 3, "main", "")
    finding = Finding(
        kind="cross-loop-use",
        severity="error",
        count=2,
        message="",
        client=None,
        loop=None,
        connection=None,
        access=None,
        fault=Fault("user", site, "it sent sk-abcdefghijklmnop"),
        hint=Hint(None, ""),
    )
    data = document(Process(1), group([finding], ()), exit_code=0, blind_spots=())
    file.write_text(json.dumps(data), encoding="utf-8")
    result = _invoke(str(file))
    assert result.exit_code == 0, result.output
    text = (tmp_path / "findings.sarif").read_text(encoding="utf-8")
    assert '"uri": "app/main.py"' in text
    assert "abcdefghijklmnop" not in text
    assert _invoke(str(file), "-f", "sarif", "--out", "-").stdout == text
    assert "--format sarif" in _one_line(_invoke(str(file), "-f", "junit"), 2)
    assert "an issue needs the run folder of repro" in _one_line(_invoke(str(file), "--for", "openai-python"), 2)


@pytest.mark.parametrize(
    "content",
    [
        "{",
        "[]",
        '{"schema": "x"}',
        '{"schema": "diagnostics.findings/2"}',
        '{"schema": "diagnostics.findings/2", "findings": [{"kind": "x"}]}',
        (
            '{"schema": "diagnostics.findings/2", "findings": [{"kind": "cross-loop-use", "severity": "error", '
            '"count": -1, "message": "m"}]}'
        ),
        (
            '{"schema": "diagnostics.findings/2", "findings": [{"kind": "cross-loop-use", "severity": "error", '
            '"count": 1, "message": "m", "fault": {"site": {"file": 1, "line": 2}}}]}'
        ),
    ],
)
def test_a_file_that_holds_no_findings_is_one_line(tmp_path: Path, content: str) -> None:
    file = tmp_path / "findings.json"
    file.write_text(content, encoding="utf-8")
    assert "write it again with diagnostics run --json" in _unreadable(_invoke(str(file)))
