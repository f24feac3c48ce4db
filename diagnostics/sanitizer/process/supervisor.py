"""Starts a program in an interpreter of its own, forwards signals to it and waits for it.

The program is that interpreter's `__main__`, as without the sanitizer: its exit hooks, signal handlers and tracebacks
are its own. It leaves a journal, which survives however the program ends.
"""

from __future__ import annotations

import contextlib
import os
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Final

from diagnostics.model.parent_death import end_with
from diagnostics.model.working_directory import working_directory
from diagnostics.sanitizer.process.inheritance import FOLLOW, instrumenting

FORWARDED: Final = ("SIGTERM", "SIGHUP", "SIGINT", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGALRM")
FROM_TERMINAL: Final = ("SIGINT", "SIGQUIT", "SIGHUP")
"""Signals that a terminal sends to the program too."""

_COERCED: Final = ("C.UTF-8", "C.utf8", "UTF-8")
"""Values of `LC_CTYPE` that an interpreter sets where it finds the locale `C` (PEP 538)."""

ANSWER_WITHIN: Final = 0.5
"""Seconds that a program has to write what it waits for, before a signal that may end it is forwarded."""


_SHORT: Final = re.compile(r"-([^-cmWX][^cmWX]*|)([cmWX])(.*)", re.DOTALL)
"""Options of one letter in one word, up to the first that takes a value: the rest of the word, or the next word."""

_LONG: Final = "--check-hash-based-pycs"
"""The long option that takes a value: the next word."""


class StartError(Exception):
    """The program cannot be started; the message says what to do."""


def command(program: list[str], start: str | None) -> list[str]:
    """Returns the command line that runs a program with the options of this interpreter.

    Args:
        program: the script, module or code, and its arguments.
        start: `-m`, `-c`, or `None` for a script.

    Raises:
        StartError: there is no such program, or the options of this interpreter do not allow instrumentation.
    """
    if not sys.executable:
        raise StartError("the interpreter does not know its own path")
    if sys.flags.no_site:
        raise StartError("python -S cannot be instrumented; remove -S, or use diagnostics.sanitizer.watch()")
    if sys.flags.isolated and sys.version_info < (3, 11):
        raise StartError("python -I needs Python 3.11 or newer here; remove -I")
    if start == "-m":
        _check_module(program[0])
    elif start is None and program[0] != "-" and not _is_there(program[0]):
        hint = f"; for a module write -m {program[0].removesuffix('.py')}"
        raise StartError(f"no such script: {program[0]}{hint}")
    return [sys.executable, *interpreter_options(), *([start] if start else []), *program]


def interpreter_options() -> list[str]:
    """Returns the options of this interpreter, without those that would hide `boot` from the program's interpreter."""
    if not sys.flags.ignore_environment:
        return options_of(sys.orig_argv[1:])
    flags: list[str] = subprocess._args_from_interpreter_flags()  # type: ignore[attr-defined]
    flags = [flag for flag in flags if flag not in ("-E", "-I")]
    return [*flags, "-P", "-s"] if sys.flags.isolated else flags


def options_of(words: list[str]) -> list[str]:
    """Returns the options at the beginning of an interpreter's arguments: what precedes its code, module or script."""
    own: list[str] = []
    has_value = False
    for word in words:
        if not has_value:
            short = _SHORT.fullmatch(word)
            if word in ("-", "--") or not word.startswith("-"):
                break
            if short is not None and short[2] in ("c", "m"):
                return [*own, f"-{short[1]}"] if short[1] else own
            has_value = word == _LONG or (short is not None and short[2] in ("W", "X") and not short[3])
        else:
            has_value = False
        own.append(word)
    return own


def _is_there(script: str) -> bool:
    """Returns whether there is such a file, or a folder with a `__main__`."""
    mains = [os.path.join(script, f"__main__.{ending}") for ending in ("py", "pyc")]
    return any(map(os.path.exists, mains)) if os.path.isdir(script) else os.path.exists(script)


def _check_module(name: str) -> None:
    from importlib.machinery import PathFinder

    safe = getattr(sys.flags, "safe_path", False) or sys.flags.isolated
    path = ([] if safe else [working_directory()]) + [entry for entry in sys.path if entry]
    top = name.partition(".")[0]
    if top not in sys.builtin_module_names and PathFinder.find_spec(top, path) is None:
        raise StartError(f"no module named {name}; is it installed in {sys.executable}?")


def environment(journal: str, settings: str, *, follow: bool) -> dict[str, str]:
    """Returns the variables for the program's interpreter.

    Args:
        journal: path of the journal.
        settings: report settings as JSON.
        follow: whether the Python programs that it starts are instrumented too.
    """
    ignored = [name for name in os.environ if name.startswith("PYTHON")] if sys.flags.ignore_environment else []
    variables = instrumenting(os.environ, journal, settings, [FOLLOW] if follow else [], ignored)
    chosen = "utf8" in sys._xoptions or variables.get("PYTHONUTF8")
    if sys.flags.utf8_mode and not (chosen or variables.get("LC_ALL")) and variables.get("LC_CTYPE") in _COERCED:
        variables["LC_CTYPE"] = "C"  # this interpreter has replaced it, which the program's is to do by itself
    return variables


class Supervisor:
    """Runs one program.

    Args:
        words: command line.
        variables: environment.
        timeout: seconds after which the program is killed; `None` for no limit.
    """

    def __init__(self, words: list[str], variables: dict[str, str], timeout: float | None) -> None:
        self._words = words
        self._variables = variables
        self._timeout = timeout
        self.timed_out = False

    def run(self) -> int | None:
        """Waits for the program.

        Returns:
            The exit status; the negative number of the signal that ended it; `None` after a timeout.
        """
        if not hasattr(os, "fork"):
            return self._run_without_signals()
        ignored = [number for name in FORWARDED if signal.getsignal(number := getattr(signal, name)) is signal.SIG_IGN]
        with _signals() as (arrived, wait):
            process = self._start(preexec_fn=partial(_before_exec, ignored, os.getpid()))
            deadline = None if self._timeout is None else time.monotonic() + self._timeout
            while process.poll() is None:
                left = None if deadline is None else deadline - time.monotonic()
                if left is not None and left <= 0:
                    self.timed_out = True
                    self._ask(process, wait)
                    process.kill()
                    process.wait()
                    return None
                for number in arrived(left):
                    self._pass_on(process, number, wait)
            return process.returncode

    def _start(self, **options: Any) -> subprocess.Popen[bytes]:
        # Descriptors that this process was given are for the program (socket activation); its own are not inherited.
        return subprocess.Popen(self._words, env=self._variables, close_fds=False, **options)

    def _run_without_signals(self) -> int | None:
        process = self._start()
        while True:
            try:
                return process.wait(self._timeout)
            except KeyboardInterrupt:  # noqa: PERF203 - the console sends it to the program too
                continue
            except subprocess.TimeoutExpired:
                self.timed_out = True
                process.kill()
                process.wait()
                return None

    def _pass_on(self, process: subprocess.Popen[bytes], number: int, wait: Callable[[], None]) -> None:
        name = signal.Signals(number).name
        if name not in FORWARDED or (name in FROM_TERMINAL and _in_foreground()):
            return
        if name != "SIGINT" and not _catches(process.pid, number):  # its handler for SIGINT writes what waits
            self._ask(process, wait)
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(number)

    def _ask(self, process: subprocess.Popen[bytes], wait: Callable[[], None]) -> None:
        """Asks the program to write what it waits for."""
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGURG)
            wait()


Arrived = Callable[["float | None"], "list[int]"]


@contextlib.contextmanager
def _signals() -> Iterator[tuple[Arrived, Callable[[], None]]]:
    """Collects the signals that this process gets, so that they do not end it."""
    names = (*FORWARDED, "SIGCHLD", "SIGURG")
    ours: list[Any] = [getattr(signal, name) for name in names if hasattr(signal, name)]
    before = {number: signal.getsignal(number) for number in ours}
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    os.set_blocking(reader, False)
    earlier = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    for number in ours:
        signal.signal(number, lambda *_: None)
    held: list[int] = []

    def arrived(seconds: float | None) -> list[int]:
        if not held:
            select.select([reader], [], [], seconds)
            held.extend(_read(reader))
        taken = held[:]
        held.clear()
        return taken

    def wait_for_answer() -> None:
        over = time.monotonic() + ANSWER_WITHIN
        while (left := over - time.monotonic()) > 0:
            select.select([reader], [], [], left)
            got = _read(reader)
            held.extend(number for number in got if number != signal.SIGURG)
            if signal.SIGURG in got or signal.SIGCHLD in got:
                return

    try:
        yield arrived, wait_for_answer
    finally:
        signal.set_wakeup_fd(earlier)
        for number, handler in before.items():
            signal.signal(number, handler)
        os.close(reader)
        os.close(writer)


def _read(reader: int) -> list[int]:
    with contextlib.suppress(BlockingIOError):
        return list(os.read(reader, 4096))
    return []


def _in_foreground() -> bool:
    """Returns whether this process and the program are in the foreground of a terminal, which signals both."""
    for stream in (0, 1, 2):
        with contextlib.suppress(OSError):
            return os.tcgetpgrp(stream) == os.getpgrp()
    return False


def _catches(process: int, number: int) -> bool:
    """Returns whether a process handles or ignores a signal, which then does not end it; `False` if unknown."""
    try:
        with open(f"/proc/{process}/status", encoding="ascii", errors="replace") as stream:
            masks = [int(line.split()[1], 16) for line in stream if line.startswith(("SigIgn:", "SigCgt:"))]
    except (OSError, ValueError, IndexError):
        return False
    return any(mask >> (number - 1) & 1 for mask in masks)


def _before_exec(ignored: list[int], parent: int) -> None:
    """Runs in the child before `exec`: no program outlives its supervisor, or handles what that ignores."""
    for number in ignored:
        signal.signal(number, signal.SIG_IGN)
    end_with(parent)


def end_like(status: int) -> None:
    """Ends this process by the signal that ended the program, so that its parent sees the same.

    Args:
        status: exit status of the program, negative.
    """
    import resource

    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    with contextlib.suppress(OSError, ValueError):
        signal.signal(-status, signal.SIG_DFL)
    os.kill(os.getpid(), -status)
