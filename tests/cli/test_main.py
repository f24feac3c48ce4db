"""The program itself: its help, what it says without the lab, and a standard output that takes nothing more."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from diagnostics import __version__
from diagnostics.cli import COMMANDS
from diagnostics.extras import install

ROOT = Path(__file__).resolve().parents[2]

ROOT = Path(__file__).parents[2]
WITHOUT_SITE = ("-S",)
"""No site-packages, so no lab."""


def run(*arguments: str, options: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *options, "-m", "diagnostics", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_its_help_names_every_command_and_the_phases() -> None:
    done = run("--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert {command for command in [*COMMANDS, "diagnostics.phase1"] if command not in done.stdout} == set()


def test_its_version() -> None:
    done = run("--version", options=WITHOUT_SITE)
    assert (done.returncode, done.stdout) == (0, f"event-loop-diagnostics {__version__}\n")


@pytest.mark.parametrize("command", [*COMMANDS, ""])
def test_the_short_option_for_help_works_everywhere(command: str) -> None:
    short = run(*command.split(), "-h")
    assert (short.returncode, short.stdout) == (0, run(*command.split(), "--help").stdout)


def test_a_shell_completes_the_arguments_of_the_installed_program() -> None:
    script = Path(sys.executable).with_name("event-loop-diagnostics")
    asked = {"COMP_WORDS": "event-loop-diagnostics repro --prof", "COMP_CWORD": "2"}
    done = subprocess.run(
        [script],
        env={**os.environ, **asked, "_EVENT_LOOP_DIAGNOSTICS_COMPLETE": "complete_bash"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.split() == ["--profile"]
    assert "--show-completion" not in run("--help").stdout


def test_hints_name_the_program_as_it_was_started() -> None:
    script = Path(sys.executable).with_name("event-loop-diagnostics")
    done = subprocess.run([script, "explain", "cross-loop-use"], capture_output=True, text=True, check=True)
    assert "`event-loop-diagnostics explain FIX`" in done.stdout
    assert "python -m" not in done.stdout
    assert "`python -m diagnostics explain FIX`" in run("explain", "cross-loop-use").stdout


def test_a_program_may_have_a_module_of_the_same_name(tmp_path: Path) -> None:
    (tmp_path / "diagnostics.py").write_text("NAME = 'mine'")
    (tmp_path / "app.py").write_text("import diagnostics; print(diagnostics.NAME)")
    done = subprocess.run(
        [sys.executable, str(ROOT / "event_loop_diagnostics.py"), "run", "app.py"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "mine\n", "")


def test_the_help_of_run_is_its_own_one() -> None:
    assert "--suppress" in run("run", "--help").stdout


@pytest.mark.parametrize("arguments", [(), ("--help",)])
def test_without_the_lab_it_says_what_works(arguments: tuple[str, ...]) -> None:
    done = run(*arguments, options=WITHOUT_SITE)
    assert (done.returncode, done.stderr) == (0, "")
    assert {word for word in ("run", "async-tools", install("lab")) if word not in done.stdout} == set()


def test_without_the_lab_another_command_is_one_line() -> None:
    done = run("history", options=WITHOUT_SITE)
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert install("lab") in line


def test_what_is_installed_is_named_by_where_it_lies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    assert install("lab") == "python3 -m pip install -e '.[lab]'"
    monkeypatch.chdir(tmp_path)
    assert install("lab") == f"python3 -m pip install -e '{ROOT}[lab]'"
    monkeypatch.setattr("diagnostics.extras.__file__", str(tmp_path / "diagnostics" / "extras.py"))
    assert install("lab") == "python3 -m pip install 'event-loop-diagnostics[lab]'"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no device that is always full")
@pytest.mark.parametrize("arguments", [("async-tools",), ("history",), ("report", "reports/sample", "-f", "text")])
def test_a_full_disk_is_one_line(arguments: tuple[str, ...]) -> None:
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        command = [sys.executable, "-m", "diagnostics", *arguments]
        done = subprocess.run(command, cwd=ROOT, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "error: cannot write to standard output (No space left on device)\n")


@pytest.mark.parametrize("encoding", ["cp1252", "ascii"])
@pytest.mark.parametrize(
    "command", ["history", "report reports/sample -f text", "report reports/sample -f markdown --out -", "repro --help"]
)
def test_a_console_without_some_characters_gets_plain_ones(encoding: str, command: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "diagnostics", *command.split()],
        cwd=ROOT,
        env={**os.environ, "PYTHONIOENCODING": encoding},
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.decode(encoding)


def test_json_stays_json_in_ascii() -> None:
    command = [sys.executable, "-m", "diagnostics", "report", "reports/sample", "-f", "json", "--out", "-"]
    env = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, check=True)
    assert json.loads(done.stdout)["schema"].startswith("diagnostics.")
