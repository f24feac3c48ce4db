"""The command: one clear line for what cannot be, whole files, and nothing left after Ctrl-C."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.lab.bisection.conftest import QUIET, RAISING, client
from tests.lab.bisection.index import Index, serving

RUNNING = f"{sys.version_info.major}.{sys.version_info.minor}"
PATIENCE = 120


def start(index: str, cache: Path, *arguments: str, command: str = "bisect") -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "diagnostics", command, *arguments],
        env={
            **os.environ,
            "DIAGNOSTICS_CACHE": str(cache),
            "UV_DEFAULT_INDEX": index,
            "UV_CACHE_DIR": str(cache / "uv"),
            "UV_HTTP_RETRIES": "0",
            "NO_COLOR": "1",
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(index: str, cache: Path, *arguments: str, command: str = "bisect") -> tuple[int, str, str]:
    process = start(index, cache, *arguments, command=command)
    out, err = process.communicate(timeout=PATIENCE)
    return process.returncode, out, err


DEAD = "http://127.0.0.1:9/simple"


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (("opnai",), 2, "error: unknown package 'opnai' (did you mean 'openai'?); choose from openai, "),
        (("openai",), 1, "error: the list of releases of openai is not in the cache"),
    ],
)
def test_what_cannot_be_is_one_line(tmp_path: Path, arguments: tuple[str, ...], status: int, said: str) -> None:
    code, out, err = run(DEAD, tmp_path, *arguments)

    assert (code, out) == (status, "")
    line, *hint = err.splitlines()
    assert line.startswith(said)
    assert hint == (["Try 'python -m diagnostics bisect --help'."] if status == 2 else [])


@pytest.mark.environment
def test_the_answer_is_printed_and_written(tmp_path: Path) -> None:
    index = Index(tmp_path)
    index.add("openai", "1.0.0", "2025-01-01", code=client(QUIET))
    index.add("openai", "1.1.0", "2025-02-01", code=client(RAISING))
    record = tmp_path / "found" / "of whatever name"
    with serving(index):
        code, out, err = run(
            f"{index.url}/simple",
            tmp_path / "cache",
            *("openai", "--python", RUNNING, "--trials", "1", "--calls", "2", "--json", str(record)),
        )

    assert code == 0, err
    assert "openai 1.0.0 (2025-01-01) → 1.1.0 (2025-02-01): none → raised" in out
    assert err.splitlines()[0].startswith("[1] openai 1.0.0 (2025-01-01), the lower end: none")
    data = json.loads(record.read_bytes())
    assert [(each["before"]["version"], each["after"]["version"]) for each in data["changes"]] == [("1.0.0", "1.1.0")]
    assert "--json" not in data["command"]
    for secret in (str(tmp_path), "127.0.0.1"):
        assert secret not in record.read_text() + out


@pytest.mark.environment
def test_a_person_can_paste_the_command_and_the_record_names_no_folder(tmp_path: Path) -> None:
    index = Index(tmp_path)
    index.add("openai", "1.0.0", "2025-01-01", code="")
    index.add("openai", "1.1.0", "2025-02-01", code="CHANGED = True\n")
    script, record = tmp_path / "mine.py", tmp_path / "record.json"
    script.write_text("import openai, sys\nsys.exit(hasattr(openai, 'CHANGED'))\n", encoding="utf-8")
    with serving(index):
        code, out, err = run(
            f"{index.url}/simple",
            tmp_path / "cache",
            *("openai", "--python", RUNNING, "--trials", "1", "--by", "exit"),
            *("--script", str(script), "--json", str(record)),
        )
    assert code == 0, err
    assert f"--script {script}" in out
    assert str(tmp_path) not in record.read_text(encoding="utf-8")


def test_a_folder_is_no_file_to_write_to(tmp_path: Path) -> None:
    code, out, err = run(DEAD, tmp_path, "openai", "--json", str(tmp_path))
    assert (code, out) == (2, "")
    assert err.splitlines() == [
        f"error: invalid value for '--json': file '{tmp_path}' is a directory",
        "Try 'python -m diagnostics bisect --help'.",
    ]


@pytest.mark.environment
@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="named pipes are how the trial says that it has begun")
def test_an_interrupt_ends_the_trial_too(tmp_path: Path) -> None:
    pipe = tmp_path / "began"
    os.mkfifo(pipe)
    hanging = f"__import__('pathlib').Path({str(pipe)!r}).write_text(str(os.getpid())); __import__('time').sleep(600)"
    index = Index(tmp_path)
    for version in ("1.0.0", "1.1.0"):
        index.add("openai", version, "2025-01-01", code=client(hanging))
    with serving(index):
        process = start(
            f"{index.url}/simple", tmp_path / "cache", "openai", "--python", RUNNING, "--trials", "1", "--calls", "1"
        )
        trial = psutil.Process(int(pipe.read_text()))
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=PATIENCE)

    assert process.returncode == 130
    assert err.splitlines()[-1].startswith("interrupted; ")
    gone, alive = psutil.wait_procs([trial], timeout=PATIENCE)
    assert (gone, alive) == ([trial], [])


@pytest.mark.environment
def test_a_run_as_of_a_day_says_so(tmp_path: Path) -> None:
    index = Index(tmp_path)
    index.add("httpx", "0.28.1", "2024-12-06")
    index.add("openai", "1.0.0", "2025-01-01", "httpx", code=client(RAISING))
    index.add("openai", "2.0.0", "2025-10-11", "httpx", code=client(QUIET))
    reports = tmp_path / "reports"
    options = ("--as-of", "2025-10-10", "--profile", "smoke", "--instrument", "off", "--reports", str(reports))
    with serving(index):
        code, _, err = run(f"{index.url}/simple", tmp_path / "cache", *options, command="repro")

    assert code == 0, err
    (run_folder,) = (folder for folder in reports.iterdir() if not folder.is_symlink())
    assert json.loads((run_folder / "run.json").read_bytes())["as_of"] == "2025-10-10"
    (row,) = json.loads((run_folder / "environments.json").read_bytes())
    assert row["slug"].endswith("_openai-1.0.0_httpx-0.28.1_as-of-2025-10-10")
    assert row["packages"] == {"openai": "1.0.0", "httpx": "0.28.1"}


def test_a_day_without_an_index_is_one_line(tmp_path: Path) -> None:
    options = ("--as-of", "2025-10-10", "--reports", str(tmp_path / "reports"))
    code, _, err = run(DEAD, tmp_path, *options, command="repro")

    assert code == 1
    (line,) = err.splitlines()
    assert line.startswith("error: the package index cannot be reached")
    assert not (tmp_path / "reports").exists()
