"""Starting, watching and ending the processes that trials run in (POSIX).

A child is a session of its own, so that everything it starts can be killed with it. Its end is seen by a *sentinel*:
the read end of a pipe whose write end only the child and its descendants hold.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

from diagnostics.model.request import TrialRequest
from diagnostics.worker.trial import leave, run_and_report


@dataclass(frozen=True)
class Child:
    """A running child.

    Attributes:
        sentinel: readable (at its end) when the child and all it started are gone.
        deadline: on the monotonic clock, when it counts as hanging.
    """

    key: str
    pid: int
    sentinel: int
    deadline: float


def start(key: str, timeout: float, job: Callable[[], int]) -> Child:
    """Forks a child that runs a job and ends with its status."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        # The wire to the host belongs to the parent alone; a trial that printed there would garble it.
        null = os.open(os.devnull, os.O_RDWR)
        os.dup2(null, 0)
        os.close(reader)
        os.set_inheritable(writer, True)  # a cold child holds its end across exec
        os.setsid()
        status = 1
        try:
            status = job()
        finally:
            leave(status)
    os.close(writer)
    return Child(key, pid, reader, time.monotonic() + timeout)


def start_trial(request: TrialRequest) -> Child:
    """A trial in a child forked from here, or in a new interpreter where it is to be cold."""

    def cold() -> int:
        arguments = [sys.executable, "-m", "diagnostics.worker", "--trial", json.dumps(request.to_json())]
        os.execv(sys.executable, arguments)  # noqa: S606 - no shell is wanted

    return start(request.key, request.timeout, cold if request.cold else lambda: run_and_report(request))


def end(child: Child, *, kill: bool) -> int:
    """Waits for a child that is ending, after killing its session where asked to.

    Returns:
        The exit status; negative, the signal that ended it.
    """
    if kill:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, signal.SIGKILL)
    _, status = os.waitpid(child.pid, 0)
    os.close(child.sentinel)
    return os.waitstatus_to_exitcode(status)
