"""Applications as people start them, under the sanitizer."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from diagnostics.jets.data import load

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from diagnostics.lab.server import ProviderServer

PROGRAMS = Path(__file__).parent / "programs"
PATIENCE = 240.0
"""Seconds until a program counts as hanging."""


@dataclass
class Application:
    """A running program and what the sanitizer will write about it."""

    process: subprocess.Popen[str]
    file: Path

    def end(self, *, well: bool = True) -> str:
        """Waits; returns what it printed."""
        out, err = self.process.communicate(timeout=PATIENCE)
        assert self.process.returncode == 0 or not well, err
        return out

    @property
    def findings(self) -> list[dict[str, Any]]:
        return list(self._document["findings"])

    @property
    def calls(self) -> int:
        """How many the sanitizer saw, in the process and its children."""
        return int(self._document["accounting"]["calls"])

    @property
    def _document(self) -> Any:
        return json.loads(self.file.read_text(encoding="utf-8"))


@pytest.fixture
def start(server: ProviderServer, trial: str, tmp_path: Path) -> Iterator[Callable[..., Application]]:
    """Starts a program: a file of `programs`, or a module and its arguments."""
    started: list[subprocess.Popen[str]] = []

    def start_one(
        *program: str, instrumented: bool = True, descriptors: tuple[int, ...] = (), **variables: str
    ) -> Application:
        file = tmp_path / "findings.json"
        run = ("-m", "diagnostics", "run", "--json", str(file), "--leaks", "error", "--exit-code", "0")
        process = subprocess.Popen(
            [sys.executable, *(run if instrumented else ()), *program],
            cwd=tmp_path,
            env={
                **os.environ,
                "PYTHONPATH": str(PROGRAMS),
                "PROVIDER": server.trial_url(trial) + "/openai/v1",
                "SSL_CERT_FILE": str(server.ca_file),
                "PYTHONDONTWRITEBYTECODE": "",  # or every program compiles scikit-learn and the SDK again
                "HOME": str(tmp_path),  # where Jupyter keeps what it knows
                **variables,
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            pass_fds=descriptors,
            start_new_session=True,
        )
        started.append(process)
        return Application(process, file)

    yield start_one
    for process in started:
        if process.returncode is None:
            end_all_of(process)
        process.communicate()
    server.forget(trial)


def end_all_of(process: subprocess.Popen[str]) -> None:
    """Its children too, or they would hold its output open; it leads a group of its own."""
    if hasattr(os, "killpg"):
        os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()


@pytest.fixture(scope="session")
def right() -> Callable[[int], dict[str, Any]]:
    """What `workload.work` gives for a number."""
    jets = load(jets=5)
    predictions = [int((jet[:, 0] > 0).sum() <= 40) for jet in jets.X]
    return lambda number: {"said": f"echo: call {number}", "predictions": predictions}
