"""`run_sync` and the classifier where people use them, many times, with nothing for the sanitizer to find.

One of them also runs as the bug reports have it, to see that something would have been found.
"""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="gunicorn and a pool that forks need os.fork")


def get(port: int, path: str) -> Any:
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    try:
        client.request("GET", path)
        response = client.getresponse()
        body = response.read()
        assert response.status == 200, body
        return json.loads(body)
    finally:
        client.close()


def test_a_notebook(start: Callable[..., Any], right: Callable[[int], dict[str, Any]]) -> None:
    application = start("-m", "notebook", instrumented=False)
    running, (said, blocking, quark, findings, problems), strays = json.loads(application.end())
    assert running == "True"
    assert said == [right(number)["said"] for number in range(10)]
    assert blocking == [right(0)["predictions"]] * 10
    assert [int(each >= 0.5) for each in quark] == right(0)["predictions"]
    assert (findings, problems, strays) == ([], [], [])


def test_fastapi_under_uvicorn(start: Callable[..., Any], right: Callable[[int], dict[str, Any]]) -> None:
    application = start("-m", "web")
    assert application.process.stdout is not None
    port = int(application.process.stdout.readline())
    paths = [f"/{kind}/{number}" for number in range(8) for kind in ("blocking", "async")]
    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(lambda path: get(port, path), paths))
    # Ctrl-C: at SIGTERM uvicorn kills its own process inside the loop, so that nobody can close anything any more.
    application.process.send_signal(signal.SIGINT)
    application.end()
    assert answers == [right(int(path.rpartition("/")[2])) for path in paths]
    assert (application.findings, application.calls) == ([], 6 * len(paths))


def test_gunicorn_with_workers_that_fork_from_a_parent_that_has_called(
    start: Callable[..., Any], right: Callable[[int], dict[str, Any]], tmp_path: Path
) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    listener.set_inheritable(True)
    binding = ("--bind", f"fd://{listener.fileno()}", "--no-control-socket")  # all of a user share its path
    options = ("--preload", "--workers", "2", *binding, "--worker-tmp-dir", str(tmp_path))
    with listener:
        application = start("-m", "gunicorn", *options, "prefork:app", descriptors=(listener.fileno(),))
        port = listener.getsockname()[1]
        with ThreadPoolExecutor(4) as threads:  # they wait in the listening socket until the workers are there
            answers = list(threads.map(lambda number: get(port, f"/{number}"), range(12)))
        application.process.send_signal(signal.SIGTERM)
        application.end()
    assert answers == [right(number) for number in range(12)]
    assert (application.findings, application.calls) == ([], 6 * (1 + 12)), "workers and parent, each instrumented"


@pytest.mark.parametrize("program", ["pool", "tasks"])
def test_a_pool_that_forks_and_celery_on_its_memory_broker(
    start: Callable[..., Any], right: Callable[[int], dict[str, Any]], program: str
) -> None:
    application = start("-m", program)
    assert json.loads(application.end()) == [right(number) for number in range(10)]
    assert (application.findings, application.calls) == ([], 6 * 10)


def test_one_client_and_asyncio_run_would_have_been_found(start: Callable[..., Any]) -> None:
    application = start("-m", "pool", NAIVE="1")
    application.end(well=False)
    assert "client-left-open" in {finding["kind"] for finding in application.findings}
