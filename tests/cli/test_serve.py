from __future__ import annotations

import http.client
import json
import os
import signal
import ssl
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Any]:
    started: list[subprocess.Popen[str]] = []

    def start_one(*options: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-W", "always::ResourceWarning", "-m", "diagnostics", "serve", *options],
            env={**os.environ, "TMPDIR": str(tmp_path), "NO_COLOR": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start_one
    for process in started:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_it_says_where_it_is_fails_as_told_and_goes_without_a_trace(start: Any, tmp_path: Path, number: int) -> None:
    process = start("--json", "-", "--status", "429,500")
    ready = json.loads(process.stdout.readline())
    assert ready["pid"] == process.pid
    context = ssl.create_default_context(cafile=ready["ca_file"])
    client = http.client.HTTPSConnection(ready["url"].removeprefix("https://"), context=context)
    statuses = []
    for trial in ("", "/t/a"):
        for _ in range(3):
            client.request("GET", f"{trial}/openai/v1/models")
            response = client.getresponse()
            response.read()
            statuses.append(response.status)
    client.close()
    assert statuses == [429, 500, 200] * 2, "each trial has the faults for itself"
    process.send_signal(number)
    assert process.communicate() == ("", "")
    assert process.returncode == 0
    assert list(tmp_path.iterdir()) == []


def test_for_people_it_prints_lines_to_paste_and_a_taken_port_is_one_line(start: Any, tmp_path: Path) -> None:
    first = start()
    shown = ""
    while "export " not in shown:
        line = first.stdout.readline()
        assert line, "it ended before it was ready"
        shown += line
    url = shown.partition("https://")[2].partition(";")[0]
    assert f"OPENAI_BASE_URL=https://{url}/openai/v1 ANTHROPIC_BASE_URL=https://{url}/anthropic " in shown
    assert f"export SSL_CERT_FILE={tmp_path}" in shown
    second = start("--port", url.rpartition(":")[2])
    out, err = second.communicate()
    assert (second.returncode, out) == (1, "")
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert "is taken; choose another one" in err


@pytest.mark.parametrize("status", ["429,x", "429,302"])
def test_a_status_that_is_none_is_refused(start: Any, status: str) -> None:
    process = start("--status", status)
    _, err = process.communicate()
    assert process.returncode == 2
    line, hint = err.splitlines()
    assert line.startswith("error: ")
    assert status.partition(",")[2] in line
    assert hint == "Try 'python -m diagnostics serve --help'."
