"""The command: what it prints, ignores and refuses, in the base install."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from diagnostics.rewrite.rules import shared_client

ROOT = Path(__file__).parents[3]
PROGRAM = shared_client.WRONG
LOCKS = """
import asyncio

lock = asyncio.Lock()


async def one():
    async with lock:
        await asyncio.sleep(0)


async def main():
    await asyncio.gather(one(), one(), return_exceptions=True)


for _ in range(2):
    asyncio.run(main())
"""


def check(*arguments: str, folder: Path, options: tuple[str, ...] = ("-S",)) -> subprocess.CompletedProcess[str]:
    """Run the command where no library is installed."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "120"}
    command = [sys.executable, *options, "-m", "diagnostics", "check", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_it_shows_the_lines_and_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(PROGRAM)
    done = check(".", folder=tmp_path)
    assert (done.returncode, done.stderr) == (1, "")
    shown = [line.strip() for line in done.stdout.splitlines() if line.strip(" |^")]
    assert shown[0].startswith("warning[shared-client]: ")
    assert [line for line in shown if line.startswith(("-->", ":::"))] == [
        "--> app.py:5:10",
        "::: app.py:13:11",
        "::: app.py:9:18",
    ]
    assert shown[-2].startswith("help: ")
    assert shown[-1] == "1 alert"
    assert "\x1b" not in done.stdout


def test_the_comment_that_it_shows_ignores_it(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(PROGRAM)
    shown = check("app.py", folder=tmp_path).stdout.splitlines()
    comment = next(line.partition("  #")[2] for line in shown if line.strip().startswith("= EL001; "))
    assert comment.endswith("[EL001]")
    (tmp_path / "app.py").write_text(PROGRAM.replace("client = AsyncOpenAI()", f"client = AsyncOpenAI()  #{comment}"))
    assert check("app.py", folder=tmp_path).stdout == "no problem found\n"


@pytest.mark.parametrize("comment", ["", "[shared-client]", "[EL001, EL007]"])
def test_a_comment_ignores_it(tmp_path: Path, comment: str) -> None:
    text = PROGRAM.replace("client = AsyncOpenAI()", f"client = AsyncOpenAI()  # event-loops: ignore{comment}")
    (tmp_path / "app.py").write_text(text)
    assert check("app.py", folder=tmp_path).returncode == 0
    (tmp_path / "app.py").write_text(text.replace("EL001", "EL002").replace("shared-client]", "cached-client]"))
    assert check("app.py", folder=tmp_path).returncode == (1 if comment else 0)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such pipes")
def test_a_pipe_in_a_folder_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.py")
    (tmp_path / "app.py").write_text(PROGRAM)
    assert "app.py" in check(".", folder=tmp_path).stdout


def test_rules_are_chosen_by_code_or_name(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(PROGRAM)
    assert check("app.py", "--select", "EL001", folder=tmp_path).returncode == 1
    assert check("app.py", "--select", "cached-client,EL007", folder=tmp_path).returncode == 0
    assert check("app.py", "--ignore", "shared-client", folder=tmp_path).returncode == 0


def test_a_file_that_is_not_python_is_one_line_and_folders_of_others_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("async def f(:\n    asyncio.run(x)\n")
    (tmp_path / "latin.py").write_bytes("# -*- coding: utf-8 -*-\n# asyncio.run é".encode("latin-1"))
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv" / "app.py").write_text(PROGRAM)
    (tmp_path / "other" / ".git").mkdir(parents=True)
    (tmp_path / "other" / "app.py").write_text(PROGRAM)
    done = check(".", folder=tmp_path)
    assert (done.returncode, done.stdout) == (0, "no problem found\n")
    first, second = sorted(done.stderr.splitlines())
    assert first.startswith("warning: broken.py:1: skipped, not Python: ")
    assert second.startswith("warning: latin.py: skipped, cannot be decoded: ")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("missing.py",), "no such file or folder: missing.py"),
        ((os.devnull,), f"{os.devnull} is neither a file nor a folder"),
        ((), "no path given"),
        ((".", "--select", "EL0001"), "unknown rule 'EL0001' (did you mean 'EL001'?)"),
        ((".", "--select", "EL0001"), "; choose from EL001 (shared-client), EL002 (unclosed-client), "),
        ((".", "--confirm"), "--confirm needs a program"),
        ((".", "--", "app.py"), "add --confirm"),
        ((".", "--colour"), "unknown option '--colour' (did you mean '--color'?)"),
    ],
)
def test_invalid_usage_is_one_line_and_status_2(tmp_path: Path, arguments: tuple[str, ...], words: str) -> None:
    done = check(*arguments, folder=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr.splitlines()[0]


def test_a_run_confirms_what_it_shows(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(LOCKS)
    (tmp_path / "other.py").write_text(PROGRAM)
    done = check(".", "--format", "json", "--confirm", "--", "app.py", folder=tmp_path, options=())
    assert done.returncode == 1
    assert "diagnostics: the run shows 1 of 2 alerts" in done.stderr
    (alert,) = json.loads(done.stdout)["alerts"]
    assert (alert["lines"][0]["file"], alert["confirmed"]) == ("app.py", True)
    assert check("other.py", "--confirm", "--", "missing.py", folder=tmp_path, options=()).returncode != 0


def test_the_formats_for_programs(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(PROGRAM)
    said = {name: check("app.py", "--format", name, folder=tmp_path).stdout for name in ("json", "github", "sarif")}
    (alert,) = json.loads(said["json"])["alerts"]
    assert (alert["code"], alert["name"], alert["lines"][0]["file"], alert["lines"][0]["line"]) == (
        *("EL001", "shared-client"),
        *("app.py", 5),
    )
    assert said["github"].startswith("::warning file=app.py,line=5,col=10,title=EL001 shared-client::")
    (run,) = json.loads(said["sarif"])["runs"]
    (result,) = run["results"]
    assert (result["ruleId"], result["level"], result["ruleIndex"]) == ("EL001", "warning", 0)
    assert run["tool"]["driver"]["rules"][0]["name"] == "SharedClient"
    assert result["locations"][0]["physicalLocation"]["region"]["startLine"] == 5
    assert [each["message"]["text"] for each in result["relatedLocations"]][-1] == "used here"
