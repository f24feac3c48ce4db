"""Starting, watching and ending the processes that trials run in (POSIX).

A child is a session of its own, so that what it starts can be killed with it. Its end is seen by a *sentinel*, a
descriptor that becomes readable: of the process itself where the system has such (Linux), else the read end of a pipe
whose write end only the child and its descendants hold. If this process is killed, its children go too (Linux;
elsewhere each ends by its own alarm).
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace

from diagnostics.model.codec import encode
from diagnostics.model.parent_death import end_with
from diagnostics.model.request import TrialRequest
from diagnostics.worker.trial import ASK_WHERE, leave, run_and_report

TO_ANSWER = 0.5
"""Seconds that a hanging child has to print its stacks, which takes a thousandth of one."""


@dataclass(frozen=True)
class Child:
    """A running child.

    Attributes:
        sentinel: readable when the child is gone.
        deadline: on the monotonic clock, when it counts as hanging.
        asked: whether its time was over, and it was asked where it is; the deadline is that of the answer then.
    """

    key: str
    pid: int
    sentinel: int
    deadline: float
    asked: bool = False


def start(key: str, timeout: float, job: Callable[[], int], *, private: Collection[int] = ()) -> Child:
    """Forks a child that runs a job and ends with its status.

    Args:
        private: descriptors of this process that the child must not have. With the wire to the host in a child's hands,
            a trial could garble it, and the host would not see that this process has ended.
    """
    reader, writer = os.pipe()
    parent = os.getpid()
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            end_with(parent)
            null = os.open(os.devnull, os.O_RDWR)
            os.dup2(null, 0)
            for descriptor in (null, reader, *private):
                os.close(descriptor)
            os.set_inheritable(writer, True)  # a cold child holds its end across exec
            os.setsid()
            status = job()
        finally:
            leave(status)
    os.close(writer)
    try:
        sentinel = os.pidfd_open(pid)
    except (AttributeError, OSError):
        sentinel = reader
    else:
        os.close(reader)
    return Child(key, pid, sentinel, time.monotonic() + timeout)


def start_trial(request: TrialRequest, *, private: Collection[int] = ()) -> Child:
    """A trial in a child forked from here, or in a new interpreter where it is to be cold."""

    def cold() -> int:
        arguments = [sys.executable, "-m", "diagnostics.worker", "--trial", json.dumps(encode(request))]
        os.execv(sys.executable, arguments)  # noqa: S606 - no shell is wanted

    job = cold if request.cold else lambda: run_and_report(request)
    return start(request.key, request.timeout, job, private=private)


def ask_where(child: Child) -> Child:
    """Has a child whose time is over print where it is, and what it has forked, too."""
    if ASK_WHERE is not None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, ASK_WHERE)
    return replace(child, deadline=time.monotonic() + TO_ANSWER, asked=True)


def end(child: Child) -> int:
    """Ends a child and what it has started in its session. One that has ended by itself keeps its status.

    Returns:
        The exit status; negative, the signal that ended it.
    """
    # Twice: a child that was forked a moment ago may not lead its session yet.
    for kill in (os.killpg, os.kill):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            kill(child.pid, signal.SIGKILL)
    _, status = os.waitpid(child.pid, 0)
    os.close(child.sentinel)
    return os.waitstatus_to_exitcode(status)
