"""Every phase on a real SDK, over real TLS, with loads as small as they can be."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import pytest
from typer.testing import CliRunner

from diagnostics.cli import app
from diagnostics.lab.combination import Combination
from diagnostics.lab.environments import PreparedEnvironment, default_cache
from diagnostics.lab.execution.workers import Target
from diagnostics.lab.session import TrialSession, open_session
from diagnostics.model.cell import Environment
from diagnostics.model.phase import PhaseResult, read_phase
from diagnostics.phases import diagnose, phase1, phase2, phase3, phase4, phase5, phase6
from diagnostics.phases.plan import FAILING, Phase, PhaseOptions
from diagnostics.phases.record import run_phase, write_phase

pytestmark = pytest.mark.environment

SMALL = PhaseOptions(runs=2, calls=2, concurrency=2, trials=1, others=False)


@pytest.fixture(scope="module")
def session(environment: Callable[[str], PreparedEnvironment]) -> Iterator[TrialSession]:
    prepared = environment("httpx2")
    target = Target(prepared.python, prepared.environment)
    with open_session(target, cache=default_cache(), redact=str) as opened:
        yield opened


def played(phase: Phase, session: TrialSession, folder: Path) -> PhaseResult:
    found, trials = run_phase(phase, session, SMALL)
    write_phase(found, trials, folder)
    again = read_phase(json.loads((folder / f"phase{phase.number}.json").read_bytes()))
    assert again == found
    assert (folder / f"phase{phase.number}.md").read_text(encoding="utf-8").startswith(f"# Phase {phase.number}")
    return found


def test_phase_1_sees_where_a_collection_does_harm(session: TrialSession, tmp_path: Path) -> None:
    facts = played(phase1.PHASE, session, tmp_path).facts()

    assert facts["collection_inside_run"] == "causes"
    assert facts["collection_between_runs"] in ("prevents", "does not cause")
    assert facts["first_failing"]["repeated-run"] == 2


def test_phase_2_names_what_closes_the_loop(session: TrialSession, tmp_path: Path) -> None:
    facts = played(phase2.PHASE, session, tmp_path).facts()

    assert all("BaseEventLoop.__del__ (asyncio/base_events.py:" in name for name in facts["closed_by"][FAILING])
    assert all("(asyncio/runners.py:" in name for name in facts["closed_by"]["repeated-run"])
    assert facts["closed_between"] == {FAILING: 0, "gc-inside-run": 1, "repeated-run": 1}


def test_phase_3_names_the_touch(session: TrialSession, tmp_path: Path) -> None:
    facts = played(phase3.PHASE, session, tmp_path).facts()

    assert facts["finalised_on_another_loop"]["gc-inside-run"] == 1
    assert any("httpcore2/" in touch for touch in facts["touches"])
    events = (tmp_path / "phase3.events.jsonl").read_text(encoding="utf-8").splitlines()
    assert {json.loads(line)["subject"][0] for line in events} == {"L", "C", "G"}


def test_phase_4_finds_a_fix(session: TrialSession, tmp_path: Path) -> None:
    facts = played(phase4.PHASE, session, tmp_path).facts()

    assert "context-manager" in facts["removes"]
    assert facts["baseline"]["repeated-run"] == {"raised": 1}


def test_phase_5_names_issues(session: TrialSession, tmp_path: Path) -> None:
    found = played(phase5.PHASE, session, tmp_path)

    assert "https://github.com/openai/openai-python/issues/1059" in found.facts()["issues"]


def test_phase_6_counts(session: TrialSession, tmp_path: Path) -> None:
    found = played(phase6.PHASE, session, tmp_path)

    table = found.answers[3].tables[0]
    assert table.title.startswith("Passes that the collector started by itself")
    assert [row[:2] for row in table.rows] == [("2", "2")]


def test_the_command_of_a_phase(
    combination: Callable[[str], Combination],
    environment: Callable[[str], PreparedEnvironment],
    tmp_path: Path,
) -> None:
    environment("httpx2")
    arguments = ["--environment", combination("httpx2").slug, "--calls", "2", "--runs", "2", "--trials", "1"]
    arguments += ["--phase", "3", "--instrument", "--json", "--reports", str(tmp_path)]

    result = CliRunner().invoke(app, ["diagnose", *arguments])

    assert result.exit_code == 0, result.output
    out = result.stdout.splitlines()
    assert [json.loads(line)["subject"] for line in out[:-1]]
    assert json.loads(out[-1])["schema"] == "diagnostics.phase/2"
    (folder,) = tmp_path.iterdir()  # and no `latest`: it points to runs
    assert (folder / "phase3.json").is_file()


def test_without_the_sdk_a_phase_ends_with_one_line(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "diagnostics.phase1", "--provider", "anthropic", "--reports", str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.returncode == 1
    assert ended.stdout == ""
    (line,) = ended.stderr.splitlines()
    assert "pip install anthropic" in line
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--as-of", "soon", "'soon' is not a date"),
        ("--environment", "nosuch", "no environment 'nosuch'"),
        ("--compare", "nosuch", "add --phase 6"),
    ],
)
def test_a_phase_of_what_there_is_not_is_a_wrong_command_line(
    option: str, value: str, said: str, tmp_path: Path
) -> None:
    result = CliRunner().invoke(app, ["diagnose", option, value, "--reports", str(tmp_path)])
    assert result.exit_code == 2
    line, hint = result.stderr.splitlines()
    assert line.startswith("error: ")
    assert said in line
    assert hint == "Try 'python -m diagnostics diagnose --help'."
    assert list(tmp_path.iterdir()) == []


def test_an_interrupted_phase_leaves_no_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> NoReturn:
        assert [path.is_dir() for path in tmp_path.iterdir()] == [True]
        raise KeyboardInterrupt

    module = sys.modules["diagnostics.cli.diagnose"]  # the command is called like its module
    monkeypatch.setattr(module, "find_target", lambda *_, **__: Target(Path(), Environment("e", "3.13")))
    for user in (module, diagnose):
        monkeypatch.setattr(user, "PHASES", (replace(phase1.PHASE, run=interrupted),))
    for arguments in ([], ["--phase", "1"]):
        result = CliRunner().invoke(app, ["diagnose", *arguments, "--reports", str(tmp_path)])
        assert result.exit_code == 130
        assert result.stderr.splitlines()[-1].startswith("interrupted")
        assert list(tmp_path.iterdir()) == []


def test_the_diagnosis_answers_the_plan(
    combination: Callable[[str], Combination], environment: Callable[[str], PreparedEnvironment], tmp_path: Path
) -> None:
    environment("httpx2")
    small = ["--calls", "2", "--runs", "2", "--concurrency", "2", "--trials", "1", "--here", "--json", "-"]
    arguments = ["diagnose", "--environment", combination("httpx2").slug, *small, "--reports", str(tmp_path)]

    result = CliRunner().invoke(app, arguments)

    assert result.exit_code == 0, result.output
    said = json.loads(result.stdout.splitlines()[-1])
    when = next(answer for answer in said["answers"] if answer["question"].startswith("When"))
    assert any("BaseEventLoop.__del__ (asyncio/base_events.py:" in name for name in when["facts"]["operation"])
    assert {answer["verdict"] for answer in said["answers"]} == {"known"}
    assert [each["met"] for each in said["criteria"][1:4]] == [True, True, True]
    (folder,) = tmp_path.iterdir()  # and no `latest`: it points to runs
    page = (folder / "diagnosis.md").read_text(encoding="utf-8")
    assert "[x] Identify exact line/operation that closes the loop" in page
    assert sorted(path.name for path in folder.glob("phase?.md")) == [f"phase{n}.md" for n in range(1, 7)]


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [(["--provider", "nobody"], 2, "choose from openai"), (["--provider", "anthropic"], 1, "pip install anthropic")],
)
def test_a_diagnosis_that_cannot_be_is_one_line(arguments: list[str], status: int, words: str, tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["diagnose", *arguments, "--reports", str(tmp_path)])

    assert result.exit_code == status
    line, *hint = result.stderr.splitlines()
    assert line.startswith("error: ")
    assert words in line
    assert hint == (["Try 'python -m diagnostics diagnose --help'."] if status == 2 else [])
