"""Watching the processes that a program starts through `multiprocessing`, whatever their start method.

A child that is forked has the watch already. One that starts as a new interpreter (`spawn`, the server of `forkserver`)
is started with a line of ours before its own, which begins the watch there with the settings of its parent.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import time
from itertools import pairwise
from typing import Any, Final

from diagnostics.sanitizer import session
from diagnostics.sanitizer.capture.patching import Patch, Patches, before, disguise
from diagnostics.sanitizer.process import exit_hooks
from diagnostics.sanitizer.process.reporter import Report, ReportSettings

_HOME = os.path.abspath(__file__)
for _ in range(4):
    _HOME = os.path.dirname(_HOME)

REMIND_AFTER: Final = 0.05
"""Seconds that a child which was sent a signal has to end, before it is reminded."""

# Whatever goes wrong here, the program's own line comes after it.
_LINE = """
try:
    import sys
    sys.path.insert(0, {home!r})
    try:
        from diagnostics.sanitizer.process import children
    finally:
        sys.path.remove({home!r})
    children.begin({text!r})
except Exception:
    pass
"""


def follow(report: Report) -> Patches:
    """Has the children of this process report to it.

    Returns:
        What is patched for that, to be taken back at the end.
    """
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(before=report.prepare_for_children)  # it cannot be taken back; a command is one process

    def command_line(original: Any, patch: Patch) -> Any:
        """`multiprocessing.spawn.get_command_line`: the interpreter, its options, `-c`, a line."""

        def get_command_line(**words: Any) -> list[str]:
            command = list(original(**words))
            return watched_from_start(report, command, "multiprocessing.spawn") if patch.on else command

        return disguise(get_command_line, original)

    def start(original: Any, patch: Patch) -> Any:
        """`multiprocessing.util.spawnv_passfds`: what starts the server that `forkserver` forks from."""

        def spawnv_passfds(path: Any, args: Any, passfds: Any) -> Any:
            command = watched_from_start(report, list(args), "multiprocessing.forkserver") if patch.on else args
            return original(path, command, passfds)

        return disguise(spawnv_passfds, original)

    signalled = set[int]()

    def tell(popen: Any, _: int) -> None:
        signalled.add(popen.pid)

    def wait(original: Any, patch: Patch) -> Any:
        """`Popen.wait` of `multiprocessing`: what `join` does.

        A signal would have ended the child at once, whatever it does. With a handler for it the child must come to run
        that, and a worker of a pool that is terminated is often about to wait for the next task.
        """

        def wait(self: Any, timeout: float | None = None) -> Any:
            if patch.on and self.pid in signalled:
                over = math.inf if timeout is None else time.monotonic() + timeout
                while (left := over - time.monotonic()) > REMIND_AFTER:
                    # A grandchild may still hold what tells of the end; somebody else may have waited for the child.
                    if _has_ended(self, REMIND_AFTER) or not exit_hooks.remind(self.pid):
                        break
                timeout = None if timeout is None else max(0.0, left)
            return original(self, timeout)

        return disguise(wait, original)

    patches = Patches(
        [
            Patch("multiprocessing.popen_fork", "Popen", "_send_signal", before(tell), optional=True),
            Patch("multiprocessing.popen_fork", "Popen", "wait", wait, optional=True),
            Patch("multiprocessing.spawn", "", "get_command_line", command_line, optional=True),
            Patch("multiprocessing.util", "", "spawnv_passfds", start, optional=True),
        ]
    )
    patches.apply()
    return patches


def _has_ended(popen: Any, seconds: float) -> bool:
    from multiprocessing.connection import wait

    return bool(wait([popen.sentinel], seconds)) or popen.poll() is not None


def watched_from_start(report: Report, command: list[str], module: str) -> list[str]:
    """A command line of `multiprocessing` that begins the watch before it does what it did.

    Args:
        report: what the child reports to.
        command: the interpreter and its arguments.
        module: whose line after `-c` is meant; another command stays as it is.
    """
    for at, (option, line) in enumerate(pairwise(command)):
        if option == "-c" and module in line:
            report.prepare_for_children()
            text = json.dumps([report.settings._asdict(), report.owner, report.folder])
            beginning = _LINE.format(home=_HOME, text=text)
            return [*command[: at + 1], f"exec({beginning!r}); {line}", *command[at + 2 :]]
    return command


def begin(text: str) -> None:
    """Starts the watch in a new interpreter that is somebody's child."""
    import atexit

    settings, owner, folder = json.loads(text)
    settings["suppressions"] = [tuple(rule) for rule in settings["suppressions"]]
    report = Report(ReportSettings(**settings), owner, folder)
    session.install()
    exit_hooks.before_exit(report.make)
    exit_hooks.before_signals(report.before_death)
    follow(report)

    def at_exit() -> None:
        with contextlib.suppress(Exception):
            report.make(None)

    atexit.register(at_exit)  # the first to be registered is the last to run
