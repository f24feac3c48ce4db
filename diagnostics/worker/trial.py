"""Runs one trial in a process of its own, from the first descriptor count to the result file.

The result file is written atomically (`os.replace`) before the process ends. Descriptors 1 and 2 point to a file: what
the process prints is evidence. The parent records how the process ended.
"""

from __future__ import annotations

import contextlib
import faulthandler
import gc
import http.client
import json
import os
import signal
import ssl
import sys
import threading
import time
import urllib.parse
from collections.abc import Callable
from typing import Any, Final

from diagnostics.experiment.fixes import FIXES
from diagnostics.experiment.program import CallLedger, CallTarget, Incompatible, Stage
from diagnostics.experiment.providers import PROVIDERS
from diagnostics.experiment.scenarios import SCENARIOS
from diagnostics.model.request import HARNESS_FAILED, TrialRequest


class Unwritten(Exception):
    """The result file cannot be written: the trial says nothing about the program it ran."""


ASK_WHERE: Final = getattr(signal, "SIGUSR2", None)
"""On this signal a trial prints the stack of every thread, which is the evidence of a hang. `None` on Windows."""

EVIDENCE_LIMIT = 16 * 2**20
"""Bytes that a trial may write to a file, so that an SDK that floods its output cannot fill the disk."""


def prepare_process(request: TrialRequest) -> None:
    """Redirects output to the evidence file and sets limits that hold even if the parent dies."""
    output = os.open(request.output_file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.close(output)
    if hasattr(signal, "alarm"):
        # The parent kills earlier; this is for a trial whose parent has died.
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(int(request.timeout) + 10)
    if ASK_WHERE is not None:
        faulthandler.register(ASK_WHERE, file=2, all_threads=True)
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_FSIZE, (EVIDENCE_LIMIT, EVIDENCE_LIMIT))
        if request.memory:
            resource.setrlimit(resource.RLIMIT_AS, (request.memory, request.memory))


def run(request: TrialRequest) -> None:
    """Runs the trial and writes its result file.

    `Incompatible` becomes a result with that status. A `BaseException` such as `SystemExit` ends the process, as it
    would end a user's program.
    """
    if request.loop == "uvloop":
        import asyncio

        import uvloop

        asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    ledger = CallLedger()
    if request.instrumented:
        from diagnostics import sanitizer

        sanitizer.install()
        if request.events:
            from diagnostics.sanitizer.capture.gc_neutral import gc_neutral
            from diagnostics.sanitizer.output.timeline import TimelineWriter

            gc_neutral(TimelineWriter)(request.events_file, whole=request.timeline)
    try:
        measured = play(request, ledger)
    except Incompatible as error:
        write(request, {"status": "incompatible", "reason": str(error)})
        return
    # The end of the program: what only the collector can free (a loop that was never closed, a client in a cycle) is
    # freed while the output still goes to the evidence, in forked and in new interpreters alike.
    gc.collect()
    counted = {"calls": ledger.calls, "answers": ledger.answers, "raised": len(ledger.errors)}
    recovers = ledger.recovers if SCENARIOS[request.scenario].in_order else None
    shown = {"errors": ledger.errors[:20], "recovers": recovers, "findings": found(request)}
    write(request, {"status": "ran", **shown, **counted, **measured, **counted_by_server(request)})


def counted_by_server(request: TrialRequest) -> dict[str, int]:
    """What the trial's server has counted, where it is not the provider server.

    Raises:
        Unwritten: it does not answer any more.
    """
    try:
        return PROVIDERS[request.provider].counted(CallTarget(request.url))
    except Exception as error:
        raise Unwritten(f"the server of {request.provider} does not say what it has counted: {error}") from error


def found(request: TrialRequest) -> list[dict[str, Any]]:
    """The sanitizer's findings, in the form of `model.trial.FindingCount`; empty in an uninstrumented trial."""
    if not request.instrumented:
        return []
    from diagnostics import sanitizer

    return [
        {"kind": kind, "severity": severity, "count": count} for kind, severity, count in sanitizer.count_findings()
    ]


def play(request: TrialRequest, ledger: CallLedger) -> dict[str, float]:
    """Plays the program, lets the fix clean up, and drops both.

    Returns:
        `seconds`, `fds_left`, `fds_leaked` and `threads_left`, as `model.trial.Accounting` has them.
    """
    fds, threads = open_fds(), threading.active_count()
    started = time.perf_counter()
    fix = FIXES[request.fix](PROVIDERS[request.provider], CallTarget(request.url), ledger, request.load.retries)
    stage = Stage(request.load, fix.prepare, drop_idle(request.url))
    program = SCENARIOS[request.scenario].play(stage)
    _noting(ledger, lambda: fix.play(program))
    seconds = time.perf_counter() - started
    fds_left, threads_left = open_fds() - fds, threading.active_count() - threads
    _noting(ledger, fix.finish)
    return {
        "seconds": seconds,
        "fds_left": max(0, fds_left),
        "fds_leaked": max(0, open_fds() - fds),
        "threads_left": max(0, threads_left),
    }


def _noting(ledger: CallLedger, part: Callable[[], None]) -> None:
    """Runs a part of the program and records its exception, which would have reached the user."""
    try:
        part()
    except Incompatible:
        raise
    except Exception as error:
        ledger.error(error)


def write(request: TrialRequest, result: dict[str, Any]) -> None:
    """Writes the result file atomically.

    Raises:
        Unwritten: the file system refuses.
    """
    temporary = request.result_file + ".part"
    try:
        with open(temporary, "w", encoding="utf-8") as file:
            json.dump(result, file)
        os.replace(temporary, request.result_file)
    except OSError as error:
        raise Unwritten(f"the trial's result cannot be written: {error}") from error


def open_fds() -> int:
    """The number of open descriptors of this process; 0 where the system does not list them."""
    for folder in ("/proc/self/fd", "/dev/fd"):
        with contextlib.suppress(OSError):
            return len(os.listdir(folder))
    return 0


def drop_idle(url: str) -> Any:
    """Asks the provider server to close this trial's idle connections, and returns when it has.

    Uses `http.client`, which involves no package under test.
    """
    parts = urllib.parse.urlsplit(url)

    def ask() -> None:
        if parts.scheme != "https":
            raise Incompatible("only the provider server drops idle connections when asked")
        context = ssl.create_default_context()
        connection = http.client.HTTPSConnection(parts.netloc, context=context, timeout=10)
        try:
            connection.request("POST", f"{parts.path}/control/drop-idle")
            response = connection.getresponse()
            response.read()
            if response.status != 200:
                raise RuntimeError(f"the provider server could not drop idle connections: status {response.status}")
        finally:
            connection.close()

    return ask


def leave(status: int) -> None:
    """Ends a forked trial as an interpreter ends, without finalising what the parent imported.

    Exit functions run and output is flushed; the module teardown that follows in a new interpreter is skipped.
    """
    import atexit

    with contextlib.suppress(Exception):
        threading._shutdown()  # type: ignore[attr-defined]  # waits for non-daemon threads, as Py_FinalizeEx does
    atexit._run_exitfuncs()
    with contextlib.suppress(OSError, ValueError):
        sys.stdout.flush()
    with contextlib.suppress(OSError, ValueError):
        sys.stderr.flush()
    os._exit(status)


def run_and_report(request: TrialRequest) -> int:
    """Runs a trial in this process and returns its exit status; prints an uncaught exception as Python does."""
    prepare_process(request)
    try:
        run(request)
    except MemoryError:
        os.write(2, b"MemoryError: the trial used all the memory it was given\n")
        return 1
    except Unwritten as error:
        with contextlib.suppress(OSError):  # the disk is full, and the status says enough
            os.write(2, f"{error}\n".encode())
        return HARNESS_FAILED
    except BaseException:
        sys.excepthook(*sys.exc_info())
        return 1
    return 0
