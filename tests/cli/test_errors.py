"""One style of error for every command: a plain line, and for invalid usage a second one that names the help."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from diagnostics.__main__ import main
from diagnostics.cli import COMMANDS, app
from diagnostics.model import errors

ROOT = Path(__file__).parents[2]
LONG = "x" * 300


def run(columns: int, *arguments: str) -> subprocess.CompletedProcess[str]:
    variables = {**os.environ, "COLUMNS": str(columns)}
    command = [sys.executable, "-m", *arguments]
    return subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("columns", [20, 60, 200])
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("diagnostics", "run", "--leaks", LONG, "app.py"),
            f"argument --leaks: invalid choice: '{LONG}' (choose from ",
        ),
        (("diagnostics", "bisect", "openai", "--by", LONG), f"--by '{LONG}' is not known; "),
        (("diagnostics", "bisect", "openai", "--trials", LONG), f"invalid value '{LONG}' for '--trials': "),
        (("diagnostics", "diagnose", "--provider", LONG), f"unknown provider '{LONG}'; choose from "),
    ],
)
def test_no_width_breaks_a_message(columns: int, arguments: tuple[str, ...], message: str) -> None:
    done = run(columns, *arguments)
    line, hint = done.stderr.splitlines()
    assert (done.returncode, done.stdout) == (errors.INVALID_USAGE, "")
    assert line.startswith(f"error: {message}")
    assert hint == f"Try 'python -m {' '.join(arguments[:2])} --help'."


@pytest.mark.parametrize("command", [name for name in COMMANDS if name != "run"])
def test_an_unknown_option_is_invalid_usage_of_its_command(command: str) -> None:
    result = CliRunner().invoke(app, [command, "--hepl"])
    assert result.exit_code == errors.INVALID_USAGE
    assert result.stderr.splitlines() == [
        "error: unknown option '--hepl' (did you mean '--help'?)",
        f"Try 'python -m diagnostics {command} --help'.",
    ]


def test_a_misspelt_command_is_invalid_usage() -> None:
    result = CliRunner().invoke(app, ["bisct"])
    assert result.exit_code == errors.INVALID_USAGE
    assert result.stderr.splitlines() == [
        "error: unknown command 'bisct' (did you mean 'bisect'?)",
        "Try 'python -m diagnostics --help'.",
    ]


def test_a_name_that_is_near_no_choice_is_not_guessed() -> None:
    assert errors.unknown("fix", "zzz", ["none", "close"]) == "unknown fix 'zzz'; choose from none, close"


def test_a_message_of_several_lines_becomes_one() -> None:
    assert errors.text("it failed:\n  for a reason") == "error: it failed: for a reason\n"


@pytest.mark.parametrize("content", [None, b"{}", b"[" * 100_000])
@pytest.mark.parametrize(
    ("arguments", "file"),
    [
        ("report RUN", "run.json"),
        ("report RUN RUN", "environments.json"),
        ("report RUN --for openai-python", "run.json"),
        ("merge RUN reports/sample --out OUT", "run.json"),
        ("history RUN", "openai.json"),
        ("repro --resume RUN", "run.json"),
        ("diagnose --phase 6 --compare RUN", "phase6.json"),
    ],
)
def test_input_that_cannot_be_read_is_one_line_and_status_2(
    arguments: str, file: str, content: bytes | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_folder = tmp_path / "run"
    if content is not None:
        shutil.copytree(ROOT / "reports" / "sample", run_folder)
        (run_folder / file).write_bytes(content)
    monkeypatch.chdir(ROOT)
    words = arguments.replace("RUN", str(run_folder)).replace("OUT", str(tmp_path / "out")).split()
    result = CliRunner().invoke(app, words)

    line, *hint = result.stderr.splitlines()
    assert (result.exit_code, result.stdout, line[:7]) == (errors.INVALID_USAGE, "", "error: ")
    assert str(run_folder) in line
    assert len(hint) == (words[0] == "repro" and content is not None)  # it says that --resume is the mistake


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("run", "no program given; write a script, or -m and a module"),
        ("run nowhere.py", "no such script: nowhere.py; for a module write -m nowhere"),
        ("run -m", "no program given"),
        ("run --timeout soon app.py", "argument --timeout: 'soon' is not a number of seconds"),
        ("run --exit-code 999 app.py", "argument --exit-code: '999' is not a whole number from 0 to 255"),
        ("run --leaks maybe app.py", "argument --leaks: invalid choice: 'maybe'"),
        ("run --format xml app.py", "argument --format: invalid choice: 'xml'"),
        ("run --live --format sarif app.py", "--live prints text, jsonl or github, not sarif"),
        ("run --jsn x app.py", "unknown option '--jsn' (did you mean '--json'?)"),
        ("run --json no/where/f.json app.py", "--json: there is no folder "),
        ("run --output . app.py", "--output: . is a folder; name a file in it"),
        ("run --suppress nowhere app.py", "--suppress: cannot read nowhere: No such file or directory"),
        ("explain cross-loop", "unknown kind or fix 'cross-loop' (did you mean 'cross-loop-use'?)"),
        ("repro --profile tiny", "unknown profile 'tiny'; choose from smoke"),
        ("repro --provider opnai", "unknown provider 'opnai' (did you mean 'openai'?)"),
        ("repro --scenario x", "unknown scenario 'x'; choose from repeated-run"),
        ("repro --fix x", "unknown fix 'x'; choose from none"),
        ("repro --trials 0", "invalid value '0' for '--trials': it must be at least 1"),
        ("repro --calls few", "invalid value 'few' for '--calls' / '--jets': it must be a whole number"),
        ("repro --timeout soon", "invalid value 'soon' for '--timeout': it must be a number"),
        ("repro --matrix nowhere", "no [tool.diagnostics.matrix] in nowhere"),
        ("repro --as-of tomorrow", "'tomorrow' is not a date; write it as 2025-10-10"),
        ("repro --executor x", "invalid executor address 'x'"),
        ("repro --openai 99.9", "openai '99.9' is not in the matrix"),
        ("repro --vary openai", "'openai' is not a package with releases"),
        ("repro -r nowhere.txt", "cannot read nowhere.txt: No such file or directory"),
        ("repro --pin openai", "'openai' is not an exact release"),
        ("repro --pin openai==3.57.0 --openai 3", "own versions go with --python"),
        ("diagnose --provider x", "unknown provider 'x'"),
        ("diagnose --json app.py", "--json would write to app.py: name a JSON file"),
        ("bisect openai --json", "--json needs the name of a file, or - for standard output"),
        ("diagnose --environment x", "the matrix has no environment 'x'"),
        ("report", "missing argument RUNS"),
        ("report a b c", "3 runs given; name one to report it, or two to compare them"),
        ("report reports/sample -f pdf", "unknown format 'pdf'; choose from markdown"),
        ("report reports/sample --for x", "unknown project 'x'"),
        ("merge reports/sample --out x", "only one run given; name two or more"),
        ("bisect numpy", "unknown package 'numpy'; choose from openai"),
        ("bisect openai --by x", "--by 'x' is not known"),
        ("serve --port 99999999", "invalid value '99999999' for '--port': it must be at most 65535"),
        ("serve --status abc", "--status takes numbers with commas between them"),
        ("async-tools x", "unexpected argument: x"),
        ("phase", "unknown command 'phase'"),
    ],
)
def test_bad_input_is_one_line_and_status_2(
    arguments: str, message: str, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(sys, "argv", ["diagnostics", *arguments.split()])
    try:
        status = main()
    except SystemExit as end:
        status = end.code  # type: ignore[assignment]
    line, hint = capfd.readouterr().err.splitlines()

    assert (status, line[: len(message) + 7]) == (errors.INVALID_USAGE, f"error: {message}")
    assert hint.startswith("Try 'python -m diagnostics ")
