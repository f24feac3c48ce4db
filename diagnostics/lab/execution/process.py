"""Runs a program for a bounded time, and ends it with everything that it has started."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from diagnostics.lab.execution.worker import read_ends


@dataclass(frozen=True)
class ProcessResult:
    """How a program ended.

    Attributes:
        exit_status: negative for a signal; `None` if its time was over first.
        output: what it wrote; of a long output, the beginning and the end.
    """

    exit_status: int | None
    output: str
    seconds: float


def run_bounded(
    command: Sequence[str],
    output: Path,
    *,
    env: Mapping[str, str],
    timeout: float,
    cwd: str | None = None,
    only_stderr: bool = False,
) -> ProcessResult:
    """Runs a program without input; nothing of it is left when this returns.

    Args:
        output: the file that it writes to.
        timeout: seconds until it is killed.
        only_stderr: whether its standard output is dropped.

    Raises:
        OSError: the program cannot be started.
    """
    started = time.perf_counter()
    with output.open("wb") as stream:
        process = subprocess.Popen(
            command,
            cwd=cwd,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL if only_stderr else stream,
            stderr=stream,
            # Ended as a group, with all that it has started.
            start_new_session=True,
        )
        try:
            status: int | None = process.wait(timeout)
        except subprocess.TimeoutExpired:
            status = None
        finally:
            _kill(process)
    return ProcessResult(status, read_ends(output), time.perf_counter() - started)


def _kill(process: subprocess.Popen[bytes]) -> None:
    if hasattr(os, "killpg"):
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    process.wait()
