"""The report of a process, made once, however that ends; what its children found is part of it.

A process of `diagnostics run` prints and writes its own findings. A child does too, to the screen and into the folder
that its parent made before it started; the parent puts those findings into its file and answers for them with its exit
status. A child's own exit status stays what the program made it. One that ends after its parent writes `FILE.<pid>`.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import signal
from collections.abc import Sequence
from typing import Any, NamedTuple

from diagnostics.sanitizer import session
from diagnostics.sanitizer.analyze.suppressions import Rule, keep
from diagnostics.sanitizer.capture.facts import Fact
from diagnostics.sanitizer.capture.recorder import RECORDER
from diagnostics.sanitizer.output import stderr

TIMED_OUT = 124
"""Exit status after `--timeout`, as with timeout(1); an error that was found goes before."""

ENDED_BY_INTERRUPT = (-signal.SIGINT, 128 + signal.SIGINT)
"""Exit statuses of a program that Ctrl-C has ended: by the signal, or by its own handler as shells say it."""


class ReportSettings(NamedTuple):
    """What of the options a report needs; children get them as JSON.

    Attributes:
        file: absolute path for the findings, or `None`.
        leaks: as in the options.
        exit_code: as in the options.
        suppressions: see `suppressing`.
    """

    file: str | None
    leaks: str
    exit_code: int
    suppressions: Sequence[Rule]


class Report:
    """The report of this process and of those that it starts.

    Args:
        settings: how to report.
        owner: the process that answers for all of them.
        folder: where its children leave their findings; the owner makes it before there is a child.
    """

    def __init__(self, settings: ReportSettings, owner: int, folder: str = "") -> None:
        self.settings = settings
        self.owner = owner
        self.folder = folder
        self._once = itertools.chain([True], itertools.repeat(False))
        self._process = os.getpid()
        self._failed = False
        self._interrupted: dict[int, tuple[Fact, int]] = {}

    def status(self, programs_own: int) -> int:
        """The exit status of this process: a child's is the program's own."""
        answers = programs_own == 0 and self._failed and os.getpid() == self.owner
        return self.settings.exit_code if answers else programs_own

    def never_mind(self) -> None:
        """There was no program; nothing is reported."""
        next(self._once)

    def interrupted(self) -> None:
        """Ctrl-C: what waits now will have been cancelled by the time that the program ends."""
        from diagnostics.sanitizer.capture.pending import stuck_calls

        self._after_fork()
        for fact in stuck_calls(hanging=True):
            if fact.call is not None:
                RECORDER.stuck.discard(fact.call.number)  # told at the end, as it is then
                self._interrupted[fact.call.number] = fact, RECORDER.calls

    def make(self, status: int | None, *, hanging: bool = False) -> None:
        """Prints and writes; the second call in a process does nothing.

        Args:
            status: the program's own exit status, `None` where it did not end by itself.
            hanging: whether the program is ended in the middle of what it does.
        """
        self._after_fork()
        # One step, so that a signal in the middle of a report does not start another.
        if not next(self._once):
            return
        from diagnostics.sanitizer.capture.pending import stuck_calls
        from diagnostics.sanitizer.capture.unclosed_at_exit import unclosed_at_exit

        RECORDER.facts.extend([*unclosed_at_exit(), *stuck_calls(hanging=hanging)])
        RECORDER.facts.extend(self._were_waiting(status))
        self._write(status)

    def before_death(self, status: int) -> None:
        """The report of a program that a signal ends."""
        self.make(status, hanging=True)

    def time_is_up(self, seconds: float) -> int:
        """The report of a program that has not ended, with what it waits for; the exit status for it."""
        stderr.write(f"diagnostics: not done after {seconds:g} s\n")
        self.make(None, hanging=True)
        return self.status(0) or TIMED_OUT

    def prepare_for_children(self) -> None:
        """Makes the folder for what they find, once."""
        if self.folder or os.getpid() != self.owner:
            return
        import tempfile

        self.folder = os.path.join(tempfile.gettempdir(), f"diagnostics-{os.urandom(8).hex()}")
        with contextlib.suppress(OSError):  # it cannot be: children print, and write files of their own
            os.mkdir(self.folder, 0o700)

    def _after_fork(self) -> None:
        """A child has a report of its own to make."""
        if os.getpid() != self._process:
            self._process = os.getpid()
            self._once = itertools.chain([True], itertools.repeat(False))
            self._interrupted.clear()

    def _were_waiting(self, status: int | None) -> list[Fact]:
        """What waited when Ctrl-C came; what was merely slow only where the program did not go on after that."""
        untold = [each for number, each in self._interrupted.items() if number not in RECORDER.stuck]
        ended = status in ENDED_BY_INTERRUPT
        return [fact for fact, calls in untold if fact.severity == "error" or ended or calls == RECORDER.calls]

    def _write(self, status: int | None) -> None:
        from diagnostics.sanitizer.capture.blind_spots import cannot_tell
        from diagnostics.sanitizer.output.json_document import document
        from diagnostics.sanitizer.output.text import render

        findings = keep(session.findings(), self.settings.suppressions)
        if self.settings.leaks == "off":
            findings = [finding for finding in findings if finding.severity != "leak"]
        unseen = cannot_tell()
        data = document(
            findings, calls=RECORDER.calls, requests=RECORDER.requests, exit_code=status, cannot_tell=unseen
        )
        if os.getpid() == self.owner:
            self._finish(data)
        else:
            self._leave(data)
        stderr.write(render(findings, unseen))

    def _finish(self, data: dict[str, Any]) -> None:
        """The owner's: its children's findings are put beside its own."""
        for child in _collect(self.folder):
            data["findings"] += child["findings"]
            data["cannot_tell"] += [line for line in child["cannot_tell"] if line not in data["cannot_tell"]]
            for word in ("calls", "requests"):
                data["accounting"][word] += child["accounting"][word]
        bad = {"error", "leak"} if self.settings.leaks == "error" else {"error"}
        self._failed = any(finding["severity"] in bad for finding in data["findings"])
        if self.settings.file:
            _write(self.settings.file, data)

    def _leave(self, data: dict[str, Any]) -> None:
        """A child's: for its parent, if that has not made its report yet."""
        from diagnostics.sanitizer.output.json_document import write

        try:
            write(os.path.join(self.folder, f"{os.getpid()}.json"), data)
        except OSError:
            if self.settings.file and data["findings"]:
                _write(f"{self.settings.file}.{os.getpid()}", data)


def _write(file: str, data: dict[str, Any]) -> None:
    from diagnostics.sanitizer.output.json_document import write

    try:
        write(file, data)
    except OSError as error:
        stderr.write(f"diagnostics: cannot write {file}: {error.strerror}; choose another --json FILE\n")


def _collect(folder: str) -> list[dict[str, Any]]:
    """Reads what children have left, and takes the folder away."""
    taken = f"{folder}-read"
    try:
        os.rename(folder, taken)  # from here on a child finds it gone, and writes a file of its own
    except OSError:
        return []
    found = []
    for name in sorted(os.listdir(taken)):
        with contextlib.suppress(OSError, ValueError):
            if name.endswith(".json"):
                with open(os.path.join(taken, name), encoding="utf-8") as stream:
                    found.append(json.load(stream))
        with contextlib.suppress(OSError):
            os.unlink(os.path.join(taken, name))
    with contextlib.suppress(OSError):
        os.rmdir(taken)
    return found
