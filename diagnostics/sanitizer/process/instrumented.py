"""What runs inside an instrumented program, besides the patches.

Nothing is analyzed or printed here. Facts go to the journal as they happen, and the supervisor reports them. So little
is added to a program: a last exit function, replacements for the functions of `os` that end a process without running
exit functions, and a handler for one signal that programs rarely use.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import signal
import sys
from collections.abc import Callable, Collection, Mapping
from functools import partial
from typing import Any, Final

from diagnostics.sanitizer import session
from diagnostics.sanitizer.capture.blind_spots import blind_spots
from diagnostics.sanitizer.capture.journal import Journal
from diagnostics.sanitizer.capture.pending import stuck_calls
from diagnostics.sanitizer.capture.tracker import TRACKER
from diagnostics.sanitizer.capture.unclosed_at_exit import unclosed_at_exit
from diagnostics.sanitizer.capture.unending import unending_tasks
from diagnostics.sanitizer.process import children, conditions, interrupts
from diagnostics.sanitizer.process.inheritance import CHILD, FOLLOW, instrumenting
from diagnostics.sanitizer.process.observed_call import ObservedCall, replace
from diagnostics.sanitizer.process.own_name import give_up_name
from diagnostics.sanitizer.process.starts import Starts
from diagnostics.sanitizer.process.tool_ids import give_way

REQUEST: Final[Any] = getattr(signal, "SIGURG", None)
"""Asks a process what it waits for. A process without a handler ignores it, and no terminal sends it."""


class Instrumented:
    """This process, from its first line to its last.

    Args:
        path: the journal.
        settings: report settings as JSON, for a process that outlives the supervisor.
        role: see `inheritance.instrumenting`.
    """

    def __init__(self, path: str, settings: str, role: Collection[str]) -> None:
        self.path = path
        self.settings = settings
        self.role = role
        self.supervisor = 0 if CHILD in role else os.getppid()
        self.journal = Journal(path)
        self.condition = conditions.taken()
        self._ended = False

    def begin(self) -> None:
        """Starts recording; nothing is restored before the process ends."""
        self.journal.process_begins(os.getppid(), child=CHILD in self.role)
        TRACKER.instruments.add(self.journal)
        TRACKER.instruments.reported, TRACKER.instruments.children_reported = self.settings, FOLLOW in self.role
        session.install()
        if self.condition is not None:
            self.condition.begin()
        atexit.register(self._at_exit)  # registered first, so it runs last
        self._before_leaving()
        children.follow(self.path, self.settings, self.role)
        interrupts.at_interrupt(self.interrupted)
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._forked)
        if REQUEST is not None:
            interrupts.install(REQUEST, self._asked)
        # By the default action, or a handler that it has restored: a server does so to end as it was asked to.
        if hasattr(signal, "raise_signal"):
            replace(signal, "raise_signal", ObservedCall(self._answer, signal.raise_signal))
        give_way()
        give_up_name()

    def end(self, how: str) -> None:
        """Writes what is known only at the end: calls that never return, and clients that stay open.

        A program may go on after it, if `exec` fails.
        """
        if self.condition is not None and not self._ended:
            self.condition.end()
        unclosed = () if self._ended else unclosed_at_exit()
        TRACKER.report(*unclosed, *stuck_calls(hanging=False))
        self._state()
        self.journal.ends(how)
        if not self._ended and not os.path.exists(self.path):
            self._report_late()
        self._ended = True

    def _at_exit(self) -> None:
        try:  # noqa: SIM105
            self.end("exit")
        except:  # noqa: E722, S110 - the program may have deleted every name, `Exception` too
            pass

    def interrupted(self) -> None:
        """Writes what waits at Ctrl-C, because it will be cancelled by the time the program ends."""
        self._waiting("interrupt")

    def _report_late(self) -> None:
        """Reports for this process only: the supervisor has reported and exited."""
        from diagnostics.sanitizer.analyze.recorded import Process
        from diagnostics.sanitizer.process.reporter import ReportSettings, report_late

        process = Process(os.getpid(), argv=[str(word) for word in sys.argv], python=sys.version.split()[0])
        report_late(process, session.findings(), ReportSettings.from_json(self.settings))

    def _waiting(self, when: str) -> None:
        self._state()
        for fact in stuck_calls(hanging=True):
            if fact.call is not None:
                fact.call.stuck = False  # report it again at the end, as it is then
            self.journal.fact(fact, when)
        for fact in unending_tasks():
            self.journal.fact(fact, when)

    def _state(self) -> None:
        clients = list(TRACKER.clients.values())
        self.journal.state(TRACKER.calls, TRACKER.requests, clients, blind_spots())

    def _answer(self) -> None:
        """Writes what waits and what is open now, in case that the process ends here."""
        with contextlib.suppress(Exception):
            self._waiting("hanging")
            for fact in unclosed_at_exit():
                self.journal.fact(fact, "hanging")
            self.journal.answered()

    def _asked(self, *_: Any) -> None:
        self._answer()
        if self.supervisor:
            with contextlib.suppress(OSError):
                os.kill(self.supervisor, REQUEST)

    def _forked(self) -> None:
        self._ended = False
        self.supervisor = 0
        with contextlib.suppress(Exception):
            self.journal.process_forked(os.getppid(), blind_spots())

    def _before_leaving(self) -> None:
        """Writes what is known at the end before the functions of `os` that run no exit function."""
        replace(os, "_exit", ObservedCall(partial(self.end, "os._exit"), os._exit))
        starts = Starts(self.journal, self._variables if FOLLOW in self.role else None)
        functions = {name: getattr(os, name) for name in ("execv", "execve") if hasattr(os, name)}
        for name, original in functions.items():
            if FOLLOW in self.role:
                replace(os, name, ObservedCall(None, original, self._following(name, functions, starts)))
            else:
                replace(os, name, ObservedCall(partial(self._executes, f"os.{name}", starts), original))

    def _executes(self, how: str, starts: Starts) -> None:
        starts.observe(how)
        self.end(how)

    def _variables(self, variables: Mapping[str, str]) -> dict[str, str]:
        return instrumenting(variables, self.path, self.settings, (CHILD, FOLLOW))

    def _following(self, name: str, functions: dict[str, Callable[..., Any]], starts: Starts) -> Callable[..., Any]:
        def execute(*args: Any, **words: Any) -> Any:
            function, given = name, args
            with contextlib.suppress(Exception):  # wrong arguments, which the original refuses
                function, given = starts.executing(name, *args)
                self.end(f"os.{name}")
            return functions[function](*given, **words)

        return execute


def begin(journal: str, settings: str, role: Collection[str]) -> None:
    """Instruments this process.

    Args:
        journal: path of the journal.
        settings: report settings as JSON.
        role: see `inheritance.instrumenting`.
    """
    Instrumented(journal, settings, role).begin()
