"""Whole runs as a person starts them: complete, interrupted, killed, gone on with, and asked for what cannot be."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from diagnostics.model.codec import encode
from diagnostics.runs import writer
from diagnostics.runs.layout import TRIALS
from diagnostics.runs.reader import stored_trials
from diagnostics.runs.records import RunRequest
from diagnostics.runs.writer import Store, new_meta

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from diagnostics.lab.combination import Combination
    from diagnostics.lab.environments import PreparedEnvironment
    from tests.lab.conftest import Refused

ROOT = Path(__file__).parents[2]
PATIENCE = 120
"""Seconds after which a test fails that would otherwise hang."""
SMALL = ("--profile", "smoke", "--trials", "1", "--runs", "2", "--calls", "2", "--concurrency", "2")
TRIALS_EACH = 6
"""Three cells, each of them instrumented and uninstrumented."""


class Runs:
    """Starts `python -m diagnostics repro` and ends what a failed test has left."""

    def __init__(self) -> None:
        self._started: list[subprocess.Popen[str]] = []

    def start(self, *arguments: str, **variables: str) -> subprocess.Popen[str]:
        """A run in a process group of its own, as a terminal would start it."""
        environ = {name: value for name, value in os.environ.items() if name != "NOX_CURRENT_SESSION"}
        process = subprocess.Popen(
            [sys.executable, "-m", "diagnostics", "repro", *arguments],
            cwd=ROOT,
            env={**environ, "COLUMNS": "200", "NO_COLOR": "1", **variables},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._started.append(process)
        return process

    def play(self, *arguments: str) -> tuple[int, str, str]:
        """A run to its end: status, output, errors."""
        process = self.start(*arguments)
        output, errors = process.communicate(timeout=PATIENCE)
        return process.returncode, output, errors

    def end(self) -> None:
        for process in self._started:
            process.kill()
            process.communicate()


@pytest.fixture
def runs() -> Iterator[Runs]:
    started = Runs()
    yield started
    started.end()


@pytest.fixture
def chosen(
    environment: Callable[[str], PreparedEnvironment], combination: Callable[[str], Combination]
) -> Callable[..., list[str]]:
    """The options that choose the environments of some generations, which are there afterwards."""

    def options(*generations: str) -> list[str]:
        for generation in generations:
            environment(generation)
        return [word for generation in generations for word in ("--environment", combination(generation).slug)]

    return options


def stored(folder: Path) -> list[str]:
    return [trial.key for trial in stored_trials(folder)]


def note(folder: Path, name: str) -> Any:
    return json.loads((folder / name).read_text(encoding="utf-8"))


@pytest.mark.environment
def test_a_run_is_complete_and_goes_on_without_repeating_or_forgetting(
    runs: Runs, chosen: Callable[..., list[str]], tmp_path: Path
) -> None:
    first = [*SMALL, *chosen("httpx"), "--reports", str(tmp_path)]
    status, output, errors = runs.play(*first)
    assert status == 0, errors
    assert "context-manager" in output
    latest = tmp_path / "latest"
    assert {path.name for path in latest.iterdir()} >= {TRIALS, "report.md", "summary.json", "run.json", "environments"}
    (instrumented,) = [each for each in stored_trials(latest) if each.instrumented and each.cell.is_baseline]
    (timeline,) = (latest / "timelines").iterdir()
    assert timeline.name == f"{instrumented.key}.events.jsonl"
    told = {(event["subject"], event["what"]) for event in map(json.loads, timeline.read_text().splitlines())}
    assert told >= {("L1", "created"), ("C1", "used"), ("X1", "opened"), ("X1", "used"), ("L1", "closed")}
    keys, began = stored(latest), note(latest, "run.json")["started"]
    assert len(set(keys)) == len(keys) == TRIALS_EACH
    assert [trial.status for trial in stored_trials(latest)] == ["ran"] * TRIALS_EACH

    status, _, errors = runs.play(*first, "--resume", str(latest))
    assert status == 0, errors
    assert f"resuming: {TRIALS_EACH} trials are kept" in errors
    assert "0 trials: nothing left to do" in errors
    assert stored(latest) == keys

    # The other generation is added to the same run, and the environment of the first stays on its list.
    status, _, errors = runs.play(*SMALL, *chosen("httpx2"), "--resume", str(latest))
    assert status == 0, errors
    assert stored(latest)[:TRIALS_EACH] == keys
    assert len(set(stored(latest))) == 2 * TRIALS_EACH
    rows = note(latest, "environments.json")
    assert [row["status"] for row in rows] == ["ran", "ran"]
    assert {row["name"] for row in rows} == {trial.environment.name for trial in stored_trials(latest)}
    assert sorted(path.stem for path in (latest / "environments").iterdir()) == sorted(row["name"] for row in rows)
    assert note(latest, "run.json")["started"] == began
    assert note(latest, "run.json")["finished"]


@pytest.mark.environment
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_stopped_in_the_middle_it_leaves_nothing_running_and_can_go_on(
    number: signal.Signals, runs: Runs, chosen: Callable[..., list[str]], tmp_path: Path
) -> None:
    # Enough trials that the second environment cannot be done before the signal is there.
    asked = [*SMALL, "--trials", "8", *chosen("httpx", "httpx2"), "--jobs", "1"]
    each = (8 + 1) + 2 * (7 + 1)
    by_nox = {"NOX_CURRENT_SESSION": "repro"} if number is signal.SIGTERM else {}
    process = runs.start(*asked, "--reports", str(tmp_path), **by_nox)
    assert process.stderr is not None
    assert f"{each} trials" in process.stderr.readline()  # the first environment is done, the second has begun
    children = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(number)
    _, errors = process.communicate(timeout=PATIENCE)

    left = [
        child for child in psutil.wait_procs(children, timeout=PATIENCE)[1] if child.status() != psutil.STATUS_ZOMBIE
    ]
    assert left == []
    (latest,) = tmp_path.iterdir()  # and no `latest` yet
    kept = stored(latest)
    assert each <= len(kept) < 2 * each
    began = note(latest, "run.json")
    again = ["--resume", str(latest)]
    if number is not signal.SIGKILL:
        assert process.returncode == 130
        assert f"interrupted; {len(kept)} trials are kept; resume with: " in errors
        words = shlex.split(errors.splitlines()[-1].partition("resume with: ")[2])
        start = ["nox", "-s", "repro", "--"] if by_nox else ["python", "-m", "diagnostics", "repro"]
        assert words[: len(start)] == start
        assert words[len(start) :] == ["--resume", str(latest.resolve()), "--jobs", "1"]
    if number is signal.SIGTERM:
        return  # it would only go on as after SIGINT
    status, _, errors = runs.play(*again)
    assert status == 0, errors
    assert stored(latest)[: len(kept)] == kept
    assert (tmp_path / "latest").resolve() == latest.resolve()
    assert len(set(stored(latest))) == len(stored(latest)) == 2 * each
    ended = note(latest, "run.json")
    assert [ended[name] for name in ("command", "profile", "request")] == [
        began[name] for name in ("command", "profile", "request")
    ]


@pytest.mark.environment
def test_what_is_given_with_resume_changes_what_a_run_was_asked_for_and_nothing_else(
    runs: Runs, chosen: Callable[..., list[str]], tmp_path: Path
) -> None:
    assert runs.play(*SMALL, *chosen("httpx"), "--instrument", "off", "--reports", str(tmp_path))[0] == 0
    latest = tmp_path / "latest"
    before = note(latest, "run.json")["request"]
    keys = stored(latest)
    assert len(keys) == TRIALS_EACH / 2

    status, _, errors = runs.play("--resume", str(latest), "--trials", "2", "--instrument", "baseline")
    assert status == 0, errors
    assert stored(latest)[: len(keys)] == keys
    assert len(stored(latest)) == 2 * len(keys) + 1
    assert note(latest, "run.json")["request"] == before | {"trials": 2, "instrument": "baseline"}
    assert "--trials" in note(latest, "run.json")["command"]

    status, output, errors = runs.play("--resume", str(latest), "--python", "3.10")
    assert (status, output, errors.count("\n")) == (2, "", 2)
    assert "the run in" in errors
    assert "--environment" in errors


def keeping(folder: Path, **fields: object) -> Path:
    """A folder with a run in it that has not begun, and what its `run.json` says."""
    folder.mkdir()
    (folder / TRIALS).touch()
    meta = encode(new_meta(["x"], "default"))
    (folder / "run.json").write_text(json.dumps({**meta, **fields}), encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("asked", "status", "said"),
    [
        (7, 2, "run.json: request: expected an object, not 7"),
        ({"trials": "many"}, 2, "run.json: request.trials: expected an integer of at least 0, not 'many'"),
        ({"profile": "gone"}, 2, "unknown profile 'gone'"),
        ({"openai": ["99"]}, 2, "openai '99' is not in the matrix"),
    ],
)
def test_what_a_run_keeps_is_read_like_what_is_typed(
    refused: Refused, asked: object, status: int, said: str, tmp_path: Path
) -> None:
    folder = keeping(tmp_path / "run", request=asked)
    ended, output, errors = refused("--resume", str(folder))
    assert (ended, output, errors.count("\n")) == (status, "", 2)
    assert said in errors


@pytest.mark.parametrize("content", [None, b"", b" \n", b"{", b"\0" * 100, b"[" * 100_000])
def test_a_run_whose_options_cannot_be_read_is_not_resumed(
    refused: Refused, content: bytes | None, tmp_path: Path
) -> None:
    """Least of all as the whole default matrix."""
    folder = keeping(tmp_path / "run")
    if content is None:
        (folder / "run.json").unlink()
    else:
        (folder / "run.json").write_bytes(content)
    for more in ((), ("--profile", "smoke")):
        ended, output, errors = refused("--resume", str(folder), *more)
        assert (ended, output, errors.count("\n")) == (2, "", 2)
        assert errors.startswith(f"error: the options of this run cannot be read ({folder / 'run.json'}: ")
        assert "start a new run without --resume" in errors
    assert (folder / TRIALS).read_bytes() == b""


def test_trials_run_again_only_as_part_of_an_earlier_run(refused: Refused, tmp_path: Path) -> None:
    assert "name its folder with --resume" in refused("--retry", "broken")[2]
    ended, _, errors = refused("--retry", "ran", "--resume", str(keeping(tmp_path / "run")))
    assert (ended, errors.splitlines()[0]) == (
        2,
        "error: unknown value of --retry 'ran'; choose from broken, incompatible, unrelated",
    )


def test_a_run_that_does_not_say_what_it_was_asked_for_goes_on_with_what_is_typed(
    refused: Refused, tmp_path: Path
) -> None:
    folder = keeping(tmp_path / "run", profile="full")
    assert "'99' is not in the matrix" in refused("--resume", str(folder), "--openai", "99")[2]
    ended, _, errors = refused("--resume", str(folder))
    assert (ended, "give those that it was started with" in errors) == (2, True)


def test_a_run_without_any_environment_could_not_be(runs: Runs, tmp_path: Path) -> None:
    # A machine that has the running Python alone.
    elsewhere = dict.fromkeys(("PATH", "HOME", "PYENV_ROOT", "UV_PYTHON_INSTALL_DIR"), str(tmp_path / "nothing"))
    cache = {"DIAGNOSTICS_CACHE": str(tmp_path / "cache"), "UV_CACHE_DIR": str(tmp_path / "uv")}
    missing = next(python for python in ("3.13", "3.12") if sys.version_info[:2] != tuple(map(int, python.split("."))))
    reports = tmp_path / "reports"
    asked = ("--openai", "3.54.0", "--python", missing, "--offline", "--reports", str(reports))
    (reports / "earlier").mkdir(parents=True)
    writer.point_latest(reports / "earlier")
    for again in ((), ("--resume",)):
        folders = [str(folder) for folder in reports.glob("20*")] if again else []
        process = runs.start(*asked, *again, *folders, **elsewhere, **cache)
        output, errors = process.communicate(timeout=PATIENCE)
        assert process.returncode == 1
        assert "Nothing ran" in output
        last = errors.splitlines()[-1]
        assert last.startswith(f"error: no environment is available: this machine has no Python {missing}")
    (folder,) = reports.glob("20*")
    assert {row["status"] for row in note(folder, "environments.json")} == {"unavailable", "unsatisfiable"}
    assert writer.latest(reports).name == "earlier"  # a run that failed does not replace it


def test_packages_that_do_not_go_together_are_what_a_run_found_out(runs: Runs, tmp_path: Path) -> None:
    asked = ("--openai", "2.0.0", "--httpx", "httpx2==2.16.2", "--python", "3.13")
    status, output, errors = runs.play(*asked, "--offline", "--reports", str(tmp_path))
    assert status == 0
    assert "Nothing ran" in output
    last = errors.splitlines()[-1]
    assert last.startswith("warning: no environment is available: Because openai==2.0.0 depends on httpx")
    report = (tmp_path / "latest" / "report.md").read_text(encoding="utf-8")
    assert "in 1 environments (1 unsatisfiable)" in report


@pytest.mark.environment
def test_an_environment_in_which_nothing_can_be_tried_did_not_run(
    runs: Runs, chosen: Callable[..., list[str]], tmp_path: Path
) -> None:
    asked = [*SMALL, *chosen("httpx", "httpx2"), "--provider", "httpx", "--instrument", "off"]
    status, _, errors = runs.play(*asked, "--reports", str(tmp_path))
    assert status == 0, errors
    rows = note(tmp_path / "latest", "environments.json")
    assert sorted((row["status"], row["reason"]) for row in rows) == [
        ("incompatible", "there is no httpx in it"),
        ("ran", None),
    ]
    assert "(1 ran, 1 incompatible)" in (tmp_path / "latest" / "report.md").read_text(encoding="utf-8")


def test_a_name_alone_is_looked_for_where_the_runs_are(refused: Refused, tmp_path: Path) -> None:
    (status, output, errors) = refused("--resume", "nosuch", "--reports", str(tmp_path))
    assert (status, output, errors.count("\n")) == (2, "", 1)
    assert errors.endswith(f"or name a run folder in {tmp_path}\n")
    keeping(tmp_path / "named", request=encode(RunRequest()))
    (tmp_path / "named" / TRIALS).write_text("{\n", encoding="utf-8")
    assert f"{tmp_path / 'named' / TRIALS}: line 1" in refused("--resume", "named", "--reports", str(tmp_path))[2]


def test_a_broken_line_is_named(runs: Runs, tmp_path: Path) -> None:
    folder = keeping(tmp_path / "run", request=encode(RunRequest()))
    (folder / TRIALS).write_text('{"half a tri\n{}\n', encoding="utf-8")
    status, output, errors = runs.play("--resume", str(folder))
    assert (status, output, errors.count("\n")) == (2, "", 1)
    assert f"{folder / TRIALS}: line 1: " in errors


def test_two_runs_cannot_have_the_same_folder(runs: Runs, tmp_path: Path) -> None:
    with Store(keeping(tmp_path / "run", request=encode(RunRequest()))):
        status, output, errors = runs.play("--resume", str(tmp_path / "run"))
    assert (status, output, errors.count("\n")) == (1, "", 1)
    assert "another run is writing" in errors
