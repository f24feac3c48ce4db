"""`python -m diagnostics run`: a program under the sanitizer. Needs nothing but Python."""

from __future__ import annotations

import argparse
import contextlib
import glob
import json
import os
import sys
import tempfile
import threading
from typing import Any

from diagnostics.sanitizer import leaving, program, watching
from diagnostics.sanitizer.options import OptionError, read
from diagnostics.sanitizer.recorder import RECORDER
from diagnostics.sanitizer.suppressing import Rule, keep, rules

TIMED_OUT = 124
"""Exit status after `--timeout`, as with timeout(1); an error that was found goes before."""


def main(arguments: list[str]) -> int:
    """Runs the command.

    Returns:
        The program's own exit status, or `--exit-code` where that was 0 and an error was found; 2 for a command line
        that cannot be meant so.

    Raises:
        KeyboardInterrupt: the program ended by that.
    """
    try:
        options = read(arguments)
        suppressions = _suppressions(options.suppress)
    except OptionError as error:
        sys.stderr.write(f"python -m diagnostics run: {error}\n")
        return 2
    except SystemExit as error:
        return int(error.code or 0)
    report = Report(options, suppressions)
    watching.install()
    restore = leaving.before_exit(report.make)
    leaving.before_signals(report.make)
    timer = leaving.after(options.timeout, report.time_is_up) if options.timeout else None
    try:
        status = program.run(options.program, module=options.module)
    except program.ProgramError as error:
        report.made = True
        sys.stderr.write(f"python -m diagnostics run: {error}\n")
        return 2
    leaving.finish_program()
    if timer is not None:
        timer.cancel()
    restore()
    report.make(status)
    watching.uninstall()
    if status == program.INTERRUPTED:
        # Its traceback is printed. Left to the interpreter, this ends as the program would have: by the signal.
        sys.excepthook = lambda *_: None
        raise KeyboardInterrupt
    return report.status(status)


class Report:
    """The report of this process, made once."""

    def __init__(self, options: argparse.Namespace, suppressions: list[Rule]) -> None:
        self._options = options
        self._suppressions = suppressions
        self._owner = os.getpid()
        self._lock = threading.Lock()
        self._failed = False
        self._file: str | None = os.path.abspath(options.json) if options.json else None
        # Where children that were forked leave what they found; nothing is made there unless one does.
        self._spool = self._file or os.path.join(tempfile.gettempdir(), f"diagnostics-{os.urandom(8).hex()}")
        self.made = False

    def status(self, programs_own: int) -> int:
        """The exit status of the whole."""
        return int(self._options.exit_code) if programs_own == 0 and self._failed else programs_own

    def make(self, status: int | None) -> None:
        """Prints and writes; the second call does nothing, but in a child that was forked."""
        if os.getpid() != self._owner:
            self._make_childs()
            return
        with self._lock:
            if self.made:
                return
            self.made = True
        from diagnostics.sanitizer.exits import unclosed_at_exit

        RECORDER.facts.extend(unclosed_at_exit())
        self._write(status)

    def time_is_up(self) -> int:
        """The report of a program that has not ended, with what it waits for."""
        from diagnostics.sanitizer.stuck import stuck_calls

        sys.stderr.write(f"diagnostics: not done after {self._options.timeout:g} s\n")
        RECORDER.facts.extend(stuck_calls())
        self.make(None)
        return int(self._options.exit_code) if self._failed else TIMED_OUT

    def _write(self, status: int | None) -> None:
        from diagnostics.sanitizer.document import document, write
        from diagnostics.sanitizer.printing import render

        findings = keep(watching.findings(), self._suppressions)
        if self._options.leaks == "off":
            findings = [finding for finding in findings if finding.severity != "leak"]
        bad = {"error", "leak"} if self._options.leaks == "error" else {"error"}
        text = render(findings, watching.problems())
        if text:
            sys.stderr.write(text)
            sys.stderr.flush()
        data = document(findings, calls=RECORDER.calls, requests=RECORDER.requests, exit_code=status)
        for child in _read_childrens(self._spool):
            data["findings"] += child["findings"]
            for word in ("calls", "requests"):
                data["accounting"][word] += child["accounting"][word]
        # Whatever a child of ours did counts for the whole.
        self._failed = any(finding["severity"] in bad for finding in data["findings"])
        if self._file:
            try:
                write(self._file, data)
            except OSError as error:
                sys.stderr.write(
                    f"diagnostics: cannot write {self._file}: {error.strerror}; choose another --json FILE\n"
                )

    def _make_childs(self) -> None:
        """A child prints what it found, and leaves it where its parent looks."""
        self._owner, self.made = os.getpid(), True
        self._file = f"{self._spool}.child-{self._owner}"
        self._spool = self._file
        self._write(None)


def _read_childrens(file: str) -> list[dict[str, Any]]:
    found = []
    for name in sorted(glob.glob(f"{glob.escape(file)}.child-*")):
        with contextlib.suppress(OSError, ValueError):
            with open(name, encoding="utf-8") as stream:
                found.append(json.load(stream))
            os.unlink(name)
    return found


def _suppressions(file: str | None) -> list[Rule]:
    if file is None:
        return []
    try:
        with open(file, encoding="utf-8") as stream:
            return rules(stream)
    except (OSError, UnicodeDecodeError) as error:
        raise OptionError(f"cannot read the suppressions in {file}: {error}") from error
