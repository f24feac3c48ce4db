"""The worker without `os.fork`: one cold trial at a time, each a new interpreter.

The same requests and answers as `server`. Where a process cannot be forked (Windows), nor waited for beside a pipe, a
thread reads the requests and ends the child in hand when they end.
"""

from __future__ import annotations

import contextlib
import json
import queue
import subprocess
import sys
import threading
from dataclasses import replace
from typing import Any

from diagnostics.model.codec import decode, encode
from diagnostics.model.request import TrialRequest
from diagnostics.worker.probe import read_probe
from diagnostics.worker.wire import Wire


class ColdChild:
    """The one running child, which the reading thread may end at any moment."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._over = False

    def run(self, arguments: list[str], timeout: float) -> tuple[int, bool]:
        """Runs a new interpreter; returns its exit status and whether its time was over."""
        with self._lock:
            if self._over:
                return 1, False
            self._process = process = subprocess.Popen([sys.executable, "-m", "diagnostics.worker", *arguments])
        try:
            return process.wait(timeout), False
        except subprocess.TimeoutExpired:
            process.kill()
            return process.wait(), True

    def end(self) -> None:
        """Kills what runs and starts nothing more."""
        with self._lock:
            self._over = True
            if self._process is not None:
                self._process.kill()


def serve() -> None:
    """Serves until standard input ends."""
    wire = Wire()
    wire.send({"ready": True, "python": sys.version.split()[0], "threads": threading.active_count()})
    requests: queue.Queue[dict[str, Any] | None] = queue.Queue()
    child = ColdChild()

    def read() -> None:
        while (received := wire.receive()) is not None:
            for request in received:
                requests.put(request)
        child.end()
        requests.put(None)

    threading.Thread(target=read, daemon=True).start()
    while (request := requests.get()) is not None:
        with contextlib.suppress(BrokenPipeError):
            wire.send(_probe(child, request) if "probe" in request else _trial(child, request["trial"]))


def _trial(child: ColdChild, request: dict[str, Any]) -> dict[str, Any]:
    trial = replace(decode(TrialRequest, request), cold=True)
    status, hang = child.run(["--trial", json.dumps(encode(trial))], trial.timeout)
    return {"key": trial.key, "exit": status, "hang": hang}


def _probe(child: ColdChild, request: dict[str, Any]) -> dict[str, Any]:
    """As `server.preload`, but nothing is kept warm: each trial imports for itself."""
    status, hang = child.run(["--probe", json.dumps(request)], request["timeout"])
    return read_probe(request, status, hang=hang)[0]
