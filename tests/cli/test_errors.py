"""One style of error for every command: a plain line, and for invalid usage a second one that names the help."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

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
        (("diagnostics.phase4", "--provider", LONG), f"argument --provider: invalid choice: '{LONG}' "),
    ],
)
def test_no_width_breaks_a_message(columns: int, arguments: tuple[str, ...], message: str) -> None:
    done = run(columns, *arguments)
    line, hint = done.stderr.splitlines()
    assert (done.returncode, done.stdout) == (errors.INVALID_USAGE, "")
    assert line.startswith(f"error: {message}")
    program = " ".join(arguments[: 2 if arguments[0] == "diagnostics" else 1])
    assert hint == f"Try 'python -m {program} --help'."


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
