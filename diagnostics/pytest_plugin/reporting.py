"""Reports what was found: a report of its own for each test at fault, a section at the end, JSON and annotations.

What describes findings is imported only where there is one.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Generator, Sequence
from typing import TYPE_CHECKING, Any

import pytest

from diagnostics.pytest_plugin.journals import MARK, SECTION, eventful, unremarkable
from diagnostics.pytest_plugin.recording import Recording
from diagnostics.sanitizer.capture.tracker import TRACKER

if TYPE_CHECKING:
    from diagnostics.pytest_plugin.confirming import Confirming
    from diagnostics.pytest_plugin.results import Cause, Results
    from diagnostics.sanitizer.analyze.suppressions import Rule

_Wrapped = Generator[None, Any, Any]


class Reporting:
    """A plugin for the process that a person started.

    Args:
        config: of that process.
        mode: `report` or `error`.
        suppressions: see `analyze.suppressions`.
        folder: of the journals.
        recording: if the tests run in this process.
        confirming: if root causes are to be confirmed.
    """

    def __init__(
        self,
        config: pytest.Config,
        mode: str,
        suppressions: Sequence[Rule],
        folder: str,
        recording: Recording | None,
        confirming: Confirming | None,
    ) -> None:
        self._config = config
        self._fails = mode == "error"
        self._suppressions = suppressions
        self._folder = folder
        self._recording = recording
        self._confirming = confirming
        self._published: set[Any] = set()
        self._states: _States | None = None
        if self._fails and config.getoption("maxfail", 0):
            config.pluginmanager.register(_AfterTests(self._publish_early), "event_loops_after_tests")
        self._session: pytest.Session | None = None
        self._results: Results | None = None
        self._clean = ""

    @pytest.hookimpl(wrapper=True)
    def pytest_runtestloop(self, session: pytest.Session) -> _Wrapped:
        """Publishes what is known when the tests have run."""
        self._session = session
        interrupted = False
        try:
            return (yield)
        except KeyboardInterrupt:
            interrupted = True
            raise
        finally:
            try:
                if not interrupted:
                    self._confirm()
            finally:
                self._publish()

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> _Wrapped:
        """Publishes what is known at the end, and writes the file."""
        try:
            return (yield)
        finally:
            if self._recording is not None:
                self._recording.end()
            failed = session.testsfailed
            try:
                if session.exitstatus != pytest.ExitCode.INTERRUPTED:
                    self._confirm()
            except KeyboardInterrupt:
                session.exitstatus = pytest.ExitCode.INTERRUPTED
            self._publish()
            if session.testsfailed > failed and session.exitstatus == pytest.ExitCode.OK:
                session.exitstatus = pytest.ExitCode.TESTS_FAILED
            self._clean = "" if self._config.getoption("event_loops_json") else unremarkable(self._folder)
            if not self._clean:
                self._results = self._read(int(session.exitstatus))
                if self._states is not None:
                    self._states.ended = True
                self._write(self._results.document)

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Prints the section."""
        if self._results is None and not self._clean:
            return
        writer = terminalreporter._tw
        terminalreporter.section(SECTION)
        if self._results is None:
            terminalreporter.line(self._clean)
            return
        from diagnostics.pytest_plugin.blocks import annotated, section

        around = self._run_around()
        shown = bool(around) and self._confirming is None  # a confirmation stands only here
        lines = section(self._results, writer.fullwidth, colour=writer.hasmarkup, shown=shown)
        for line in [*lines, *annotated(self._results, around)]:
            terminalreporter.line(line)

    def _read(self, exit_code: int | None = None) -> Results:
        from diagnostics.pytest_plugin.results import confirmed, read

        found = read(
            self._folder, self._suppressions, ["pytest", *map(str, self._config.invocation_params.args)], exit_code
        )
        return found if self._confirming is None else confirmed(found, self._confirming.known)

    def _confirm(self) -> None:
        if self._confirming is not None and eventful(self._folder):
            self._confirming.confirm(self._read())

    def _publish(self) -> None:
        """Sends a report for each test at fault that has none yet; only first-party code makes it fail."""
        if not eventful(self._folder):
            return
        from diagnostics.pytest_plugin.blocks import report

        for each, nodeid, fails in self._news():
            self._published.add((each.key, nodeid, fails))
            self._count_reports()
            self._config.hook.pytest_runtest_logreport(report=report(each, nodeid, fails=fails))
            self._let_rerun(nodeid)

    def _publish_early(self) -> None:
        """Publishes what is known after a test, confirmed if the run stops here: there is one report for each test."""
        if not eventful(self._folder):
            return
        failing = sum(fails for _, _, fails in self._news())
        failed = self._session.testsfailed if self._session is not None else 0
        if failing and failed + failing >= self._config.getoption("maxfail"):
            self._confirm()
        self._publish()

    def _news(self) -> list[tuple[Cause, str, bool]]:
        """Returns root causes and their tests that have no report yet, and whether it fails."""
        found = {}
        for each in self._read().causes:
            fails = self._fails and each.component == "user" and each.cause.severity != "note"
            for nodeid in each.nodeids or ("unknown test",):
                found[each.key, nodeid, fails] = (each, nodeid, fails)
        return [new for key, new in found.items() if key not in self._published]

    def _run_around(self) -> str:
        """Returns the settings of a `diagnostics run` that watches the processes with tests: it has the root causes."""
        instruments = TRACKER.instruments
        return instruments.reported if self._recording is not None or instruments.children_reported else ""

    def _count_reports(self) -> None:
        if self._states is None:  # only now, because pytest asks for each report of each test
            self._states = _States()
            self._config.pluginmanager.register(self._states, "event_loops_states")

    def _let_rerun(self, nodeid: str) -> None:
        """Puts the test itself among the last failures, so that `--lf` runs it."""
        failures = getattr(self._config.pluginmanager.get_plugin("lfplugin"), "lastfailed", {})
        if failures.pop(nodeid + MARK, None):
            failures[nodeid] = True

    def _write(self, document: dict[str, Any]) -> None:
        file = self._config.getoption("event_loops_json")
        if not file:
            return
        from diagnostics.sanitizer.output.json_document import write

        try:
            write(os.path.abspath(file), document)
        except OSError as error:
            sys.stderr.write(
                f"event loops: cannot write {file}: {error.strerror}; choose another --event-loops-json FILE\n"
            )


class _AfterTests:
    """A plugin for a run that is to stop at a failure."""

    def __init__(self, publish: Callable[[], None]) -> None:
        self._publish = publish

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logfinish(self) -> None:
        """Publishes what is known after a test."""
        self._publish()


class _States:
    """A plugin for a run in which this one has published something.

    Attributes:
        ended: whether the tests have ended.
    """

    def __init__(self) -> None:
        self.ended = False

    @pytest.hookimpl(tryfirst=True)
    def pytest_report_teststatus(self, report: pytest.TestReport) -> tuple[str, str, str] | None:
        """Counts a report of the plugin without a letter in the progress of the tests."""
        if not report.nodeid.endswith(MARK):
            return None
        # The short summary wants the word.
        return "error" if report.failed else "", "", "ERROR" if report.failed and self.ended else ""
