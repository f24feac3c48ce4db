"""Servers and task queues with workers: what each worker does is reported, and they end as they would."""

from __future__ import annotations

import contextlib
import json
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.sanitizer.conftest import Ran

pytestmark = [
    pytest.mark.environment,
    pytest.mark.skipif(sys.platform == "win32", reason="these servers have no workers there"),
]

APP = """
import asyncio, os
from fastapi import FastAPI
from openai import AsyncOpenAI

client = AsyncOpenAI(base_url=os.environ["PROVIDER"] + "/openai/v1", api_key="none", max_retries=0)
app = FastAPI()

async def ask():
    return len((await client.models.list()).data)

@app.get("/")
def answer():
    try:
        return asyncio.run(ask())
    except Exception as error:
        return type(error).__name__

def wsgi(environ, start_response):
    text = str(answer()).encode()
    start_response("200 OK", [("Content-Length", str(len(text)))])
    return [text]
"""
TASKS = """
import os, signal
from celery import Celery
from app import answer

folder = os.environ["QUEUE"]
folders = dict.fromkeys(("data_folder_in", "data_folder_out", "control_folder"), folder)
queue = Celery("tasks", broker="filesystem://", broker_transport_options=folders)

@queue.task
def work(is_last):
    answer()
    if is_last:
        os.kill(os.getppid(), signal.SIGTERM)
"""
REQUESTS = 6
"""Of two workers, one gets at least three."""


class Server(NamedTuple):
    """A server: its arguments after `-m`, what it writes when it listens, and the signal that ends it."""

    words: str
    ready: str
    end: signal.Signals = signal.SIGTERM
    options: tuple[str, ...] = ()


SERVERS = {
    "uvicorn": Server("uvicorn app:app --port 0", "running on", signal.SIGINT, ("--live",)),
    "uvicorn, two workers": Server("uvicorn app:app --port 0 --workers 2", "startup complete"),
    "gunicorn, sync workers": Server(
        "gunicorn app:wsgi --workers 2 --no-control-socket --bind 127.0.0.1:0", "Listening at"
    ),
    "gunicorn, uvicorn workers": Server(
        "gunicorn app:app --workers 2 --no-control-socket --bind 127.0.0.1:0 -k uvicorn.workers.UvicornWorker",
        "Listening at",
    ),
}


@pytest.fixture
def serve(
    interpreter: Callable[[str], Path], surroundings: Callable[[str], dict[str, str]], tmp_path: Path
) -> Callable[..., tuple[int, str]]:
    """Runs a server, sends it requests and ends it; returns its exit status and what it wrote to standard error."""
    (tmp_path / "app.py").write_text(APP)

    def run_server(server: Server, *before: str) -> tuple[int, str]:
        command = [str(interpreter("servers")), *before, "-m", *server.words.split()]
        with (
            subprocess.Popen(
                command, stderr=subprocess.PIPE, text=True, cwd=tmp_path, env=surroundings("servers")
            ) as running,
            ended(running),
        ):
            assert running.stderr is not None
            errors = until(running.stderr, server.ready)
            found = re.search(r"http://127\.0\.0\.1:\d+", errors)
            assert found is not None, errors
            for _ in range(REQUESTS):
                assert status_of(found[0], running) == 200
            if "--live" in before:
                errors += until(running.stderr, "^help: ")
                assert running.poll() is None
            running.send_signal(server.end)
            errors += running.communicate(timeout=30)[1]
        return running.returncode, errors

    return run_server


def status_of(url: str, server: subprocess.Popen[str]) -> int:
    """The status of a request. A worker of uvicorn reports that it is ready before it listens."""
    while True:
        try:
            with urllib.request.urlopen(url, timeout=30) as answer:
                return int(answer.status)
        except urllib.error.URLError as error:  # noqa: PERF203 - a few times at most
            if not isinstance(error.reason, ConnectionRefusedError) or server.poll() is not None:
                raise
            with contextlib.suppress(subprocess.TimeoutExpired):
                server.wait(0.05)


@contextlib.contextmanager
def ended(process: subprocess.Popen[str]) -> Iterator[None]:
    """Kills a server that a failed test leaves behind."""
    try:
        yield
    except BaseException:
        process.kill()
        raise


def until(stream: Any, pattern: str) -> str:
    """Reads lines up to one with a pattern, or to the end."""
    text = ""
    for line in stream:
        text += line
        if re.search(pattern, line):
            break
    return text


@pytest.mark.parametrize("name", SERVERS)
def test_the_workers_of_a_server_are_reported(serve: Callable[..., tuple[int, str]], tmp_path: Path, name: str) -> None:
    server, file = SERVERS[name], tmp_path / "findings.json"
    alone, _ = serve(server)
    status, errors = serve(server, "-m", "diagnostics.sanitizer", "--json", str(file), *server.options)
    document = json.loads(file.read_text())
    assert document["cannot_tell"] == []
    assert status == (alone or 66), errors
    (cause,) = document["root_causes"]
    assert (cause["kind"], cause["severity"]) == ("cross-loop-use", "error")
    made = document["findings"][0]["client"]["created_at"]
    assert (Path(made["file"]).name, made["line"]) == ("app.py", 6)
    assert document["program"]["exit_code"] == alone
    # Once in the report, and once before it with `--live`, which may add that it became an error.
    assert len(re.findall(r"(?m)^  +--> app\.py:6", errors)) == (2 if server.options else 1)


@pytest.mark.slow
def test_the_tasks_of_a_queue_are_reported(run: Callable[..., Ran], tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(APP)
    (tmp_path / "tasks.py").write_text(TASKS)
    (tmp_path / "queue").mkdir()
    more = {"QUEUE": str(tmp_path / "queue")}
    (tmp_path / "send.py").write_text("import tasks\nfor n in range(3):\n    tasks.work.delay(n == 2)\n")
    assert run("servers", "send.py", instrumented=False, more=more).status == 0
    words = "-A tasks worker --pool prefork --concurrency 1 --without-gossip --without-mingle --without-heartbeat"
    ran = run("servers", "celery", *words.split(), module=True, more=more)
    assert ran.status == 66, ran.errors
    assert ran.kinds["cross-loop-use"] == "error"
    assert ran.document is not None
    assert ran.document["cannot_tell"] == []
