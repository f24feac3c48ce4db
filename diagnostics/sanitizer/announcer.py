"""Reports root causes inside the process, while it runs.

Facts arrive inside other libraries and in finalizers, so nothing is analyzed there. A thread that ends when there is
nothing left to do evaluates them. A thread that always runs would make each `fork` of the program a warning.
"""

from __future__ import annotations

import _thread
import contextlib
import logging
import threading
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final

from diagnostics.sanitizer.analyze.evaluate import evaluate
from diagnostics.sanitizer.analyze.news import News, certain
from diagnostics.sanitizer.analyze.root_causes import group
from diagnostics.sanitizer.capture.facts import Fact
from diagnostics.sanitizer.capture.instruments import Instrument
from diagnostics.sanitizer.capture.sites import loaded_frameworks
from diagnostics.sanitizer.output.display import ReportedCause, reported

if TYPE_CHECKING:
    from diagnostics.sanitizer.capture.facts import LoopRecord
    from diagnostics.sanitizer.capture.sites import Stack

OnFinding = Callable[[ReportedCause], object]

LOGGER: Final = logging.getLogger("diagnostics.sanitizer")
_LEVELS: Final = {"error": logging.ERROR, "leak": logging.WARNING, "note": logging.INFO}

SETTLE: Final = 0.05
"""Seconds in which effects of one mistake become one report."""

WAIT: Final = 5.0
"""Seconds that the end of a block waits for a callback that has not returned."""


def log(cause: ReportedCause) -> None:
    """Logs a root cause: an error as ERROR, a leak as WARNING, a note as INFO."""
    LOGGER.log(_LEVELS[cause.severity], "%s", cause, extra={"root_cause": cause})


class Announcer(Instrument):
    """Calls a function with each root cause, once; again if a leak becomes an error.

    Args:
        facts: returns the facts so far.
        on_finding: the function. What it raises is logged.
    """

    def __init__(self, facts: Callable[[], Iterable[Fact]], on_finding: OnFinding) -> None:
        self._facts = facts
        self._on_finding = on_finding
        self._awake = False
        self.forked()

    def fact(self, _: Fact) -> None:
        """Wakes the thread."""
        self._wake()

    def _wake(self) -> None:
        # Takes no lock: this may be a finalizer, inside whatever has one.
        self._changed = True
        if not self._awake:
            self._awake = True
            with contextlib.suppress(RuntimeError):  # the interpreter is ending; `finish` reports
                _thread.start_new_thread(self._start, ())

    def loop_closing(self, _: LoopRecord, __: Stack) -> None:
        """What was uncertain while the loop was open is certain now."""
        if self._held:
            self._wake()

    def forked(self) -> None:
        """Starts over: the thread, its lock and its facts are the parent's."""
        self._lock = threading.Lock()
        self._news = News()
        self._changed = self._awake = self._held = False

    def finish(self) -> None:
        """Reports the rest, in this thread."""
        if not self._lock.acquire(timeout=WAIT):
            LOGGER.error("on_finding has not returned within %g s; what was found since is not reported to it", WAIT)
            return
        try:
            self._announce(list(self._facts()))
        finally:
            self._lock.release()

    def _start(self) -> None:
        threading.Thread(target=self._run, name="diagnostics", daemon=True).start()

    def _run(self) -> None:
        while True:
            time.sleep(SETTLE)
            self._changed = False
            with self._lock:
                facts = list(self._facts())
                sure = certain(facts)
                self._held = len(sure) < len(facts)
                self._announce(sure)
            if not self._changed:
                self._awake = False
                if not self._changed or self._awake:  # else a fact arrived meanwhile, and nobody woke another thread
                    return
                self._awake = True

    def _announce(self, facts: list[Fact]) -> None:
        try:
            for novelty in self._news.of(group(evaluate(facts), loaded_frameworks())):
                self._call(reported(novelty.cause, novelty.findings))
        except Exception:  # in a thread of the program, which goes on whatever fails in a report
            LOGGER.exception("cannot report what was found")

    def _call(self, cause: ReportedCause) -> None:
        try:
            self._on_finding(cause)
        except Exception:  # code of the program, which may raise anything; the next root causes are still announced
            LOGGER.exception("on_finding failed for %s", cause)
