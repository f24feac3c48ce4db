"""What happens at the end of a watched program, however it ends.

The report is made once in each process: at a normal end, before `os._exit`, before a signal that would kill the process
does so, or when the time is up. A child that was forked leaves its facts beside the parent's file.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any, Final

DEADLY: Final = ("SIGTERM", "SIGHUP", "SIGQUIT", "SIGALRM", "SIGUSR1", "SIGUSR2")
"""Signals that end a program which has no handler; SIGINT is Python's own, SIGKILL cannot be seen."""


def before_exit(report: Callable[[int], None]) -> Callable[[], None]:
    """Has `report(status)` called before `os._exit`; the result takes that back."""
    leave = os._exit

    def _exit(status: int) -> None:
        with contextlib.suppress(Exception):
            report(status)
        leave(status)

    os._exit = _exit  # type: ignore[assignment]

    def restore() -> None:
        if os._exit is _exit:
            os._exit = leave

    return restore


def before_signals(report: Callable[[int], None]) -> None:
    """Has `report` called before a signal kills the process that it would have killed anyway."""
    if threading.current_thread() is not threading.main_thread():
        return

    def handler(number: int, _: FrameType | None) -> None:
        with contextlib.suppress(Exception):
            report(-number)
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)

    for name in DEADLY:
        number: Any = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is signal.SIG_DFL:
            with contextlib.suppress(OSError, ValueError):
                signal.signal(number, handler)


def after(seconds: float, report: Callable[[], int]) -> threading.Timer:
    """Has `report` called when the time is up, and ends the process with the status it gives."""

    def ring() -> None:
        status = 1
        try:
            status = report()
        finally:
            _leave(status)

    # The real thing, also where `before_exit` has replaced it: the report is made.
    _leave = os._exit
    timer = threading.Timer(seconds, ring)
    timer.name = "diagnostics-timeout"
    timer.daemon = True
    timer.start()
    return timer


def finish_program() -> None:
    """Does what the interpreter does after the main module, so that the report comes after it.

    Threads are waited for and exit functions run now; the interpreter finds neither again.
    """
    import atexit

    with contextlib.suppress(Exception):
        threading._shutdown()  # type: ignore[attr-defined]
    with contextlib.suppress(Exception):
        atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):
            stream.flush()
