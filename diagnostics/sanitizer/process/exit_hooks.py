"""What happens at the end of a instrumented program, however it ends.

The report is made once in each process: at a normal end, before `os._exit`, before a signal that would kill the process
does so, or when the time is up.
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

from diagnostics.sanitizer.capture.patching import Patch, Patches

DEADLY: Final = ("SIGTERM", "SIGHUP", "SIGQUIT", "SIGALRM", "SIGUSR1", "SIGUSR2")
"""Signals that end a program which has no handler; SIGINT is Python's own, SIGKILL cannot be seen."""

REMINDER: Final = "SIGURG"
"""Ends nobody, is ignored by whoever has no handler for it, and makes Python look for the signals that it was sent."""


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
    """Has `report` called before a signal kills the process that it would have killed anyway.

    Python would lose some that kill a process without a handler for sure: what a new child gets before it has come to
    itself (held back here until it has), and what comes just before the main thread begins to wait in C: see `remind`.
    """
    if threading.current_thread() is not threading.main_thread():
        return

    def handler(number: int, _: FrameType | None) -> None:
        with contextlib.suppress(Exception):
            report(-number)
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)

    deadly: list[Any] = [getattr(signal, name) for name in DEADLY if hasattr(signal, name)]
    for number in deadly:
        if signal.getsignal(number) is signal.SIG_DFL:
            with contextlib.suppress(OSError, ValueError):
                signal.signal(number, handler)
    _hold_back_at_fork(lambda: [number for number in deadly if signal.getsignal(number) is handler])
    urgent: Any = getattr(signal, REMINDER, None)
    if urgent is not None and signal.getsignal(urgent) is signal.SIG_DFL:
        signal.signal(urgent, lambda *_: None)


def _hold_back_at_fork(numbers: Callable[[], list[Any]]) -> None:
    masks = threading.local()

    def hold_back() -> None:
        masks.before = signal.pthread_sigmask(signal.SIG_BLOCK, numbers())

    def let_go() -> None:
        signal.pthread_sigmask(signal.SIG_SETMASK, masks.before)

    if hasattr(os, "register_at_fork"):  # it cannot be taken back; a command is one process
        os.register_at_fork(before=hold_back, after_in_parent=let_go, after_in_child=let_go)


def remind(process: int) -> bool:
    """Has a process see a signal that it was sent, however it waits; nothing happens to one that is not instrumented.

    Returns:
        Whether there still is such a process.
    """
    number: Any = getattr(signal, REMINDER, None)
    try:
        if number is not None:
            os.kill(process, number)
    except ProcessLookupError:
        return False
    except OSError:
        pass  # another user's by now
    return True


class _Then:
    """The `__call__` of what follows: observes when it is looked up, and hands out the original to be called.

    So a traceback that begins in the original has no frame of ours.
    """

    def __get__(self, told: Any, owner: type) -> Any:
        with contextlib.suppress(Exception):
            told.observe()
        return told.original


class _Told:
    """A handler that tells of its call."""

    __slots__ = ("observe", "original")
    __call__ = _Then()

    def __init__(self, observe: Callable[[], None], original: Any) -> None:
        self.observe = observe
        self.original = original


class _ToldMethod:
    """The same as a method."""

    def __init__(self, observe: Callable[[], None], original: Any) -> None:
        self._observe = observe
        self._original = original

    def __get__(self, thing: Any, owner: type) -> Any:
        method = self._original.__get__(thing, owner)
        return method if thing is None else _Told(self._observe, method)


def at_interrupt(observe: Callable[[], None]) -> Callable[[], None]:
    """Has `observe` called when Ctrl-C comes, before the program sees it; the result takes that back.

    Python's own handler is replaced under its own name, because `asyncio.Runner` asks for that one; and so is the one
    that the runner puts in its place.
    """
    patches = Patches(
        [
            Patch(
                "asyncio.runners", "Runner", "_on_sigint", lambda method, _: _ToldMethod(observe, method), optional=True
            )
        ]
    )
    patches.apply()
    default = signal.default_int_handler
    handler: Any = _Told(observe, default)
    ours = threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGINT) is default
    if ours:
        signal.default_int_handler = handler
        signal.signal(signal.SIGINT, handler)

    def restore() -> None:
        patches.take_back()
        if signal.default_int_handler is handler:
            signal.default_int_handler = default
        if ours and signal.getsignal(signal.SIGINT) is handler:
            signal.signal(signal.SIGINT, default)

    return restore


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

    try:
        threading._shutdown()  # type: ignore[attr-defined]
    except BaseException as error:
        threading._shutdown = _fail_silently  # type: ignore[attr-defined]  # or the interpreter waits once more
        with contextlib.suppress(Exception):
            _threads_ended_by(error)
    with contextlib.suppress(Exception):
        atexit._run_exitfuncs()
    for name in ("stdout", "stderr"):
        with contextlib.suppress(Exception):
            getattr(sys, name).flush()


def _threads_ended_by(error: BaseException) -> None:
    """Tells what came while threads were waited for (Ctrl-C, for one) as the interpreter does, which then goes on."""
    trace = error.__traceback__.tb_next if error.__traceback__ is not None else None  # without the frame of ours
    said = ("Exception ignored on threading shutdown", None) if sys.version_info >= (3, 13) else (None, threading)
    sys.unraisablehook(_unraisable_type()((type(error), error.with_traceback(trace), trace, *said)))


def _fail_silently() -> None:
    """What the interpreter calls to wait for threads.

    Python 3.15 calls it again and again while there are some, until that fails.
    """
    hook = sys.unraisablehook

    def say_nothing(_: Any) -> None:
        sys.unraisablehook = hook

    sys.unraisablehook = say_nothing
    raise KeyboardInterrupt


def _unraisable_type() -> Any:
    """The class of what `sys.unraisablehook` takes: it has no name, and Python's own hook takes no other."""

    class Raises:
        def __del__(self) -> None:
            raise ValueError

    found: list[Any] = []
    hook, sys.unraisablehook = sys.unraisablehook, lambda told: found.append(type(told))
    try:
        Raises()
    finally:
        sys.unraisablehook = hook
    return found[0]
