"""Reports what was found: a report of its own for each test at fault, a section at the end, JSON and annotations."""

from __future__ import annotations

import os
import sys
from collections.abc import Generator, Sequence
from types import SimpleNamespace
from typing import Any, Final

import pytest

from diagnostics.model.libraries import LIBRARIES
from diagnostics.pytest_plugin.recording import Recording
from diagnostics.pytest_plugin.results import Cause, Results, read
from diagnostics.sanitizer.analyze.suppressions import Rule
from diagnostics.sanitizer.output.drawing import MIN_WIDTH, Style
from diagnostics.sanitizer.output.formats import FORMATS
from diagnostics.sanitizer.output.json_document import write
from diagnostics.sanitizer.output.redact import redact, redact_text
from diagnostics.sanitizer.output.text import blind_spot, plural, render, summary

_Wrapped = Generator[None, Any, Any]
MARK: Final = " [event-loops]"
SECTION: Final = "event loops"
_CLIENTS: Final = {name for name, row in LIBRARIES.items() if row.role in ("sdk", "client")}


class _Block:
    """What a failed report shows: a line on the terminal, where the section has the rest; the block elsewhere."""

    def __init__(self, title: str, block: str) -> None:
        self.reprcrash = SimpleNamespace(message=title)  # for pytest's short summary, and the message in JUnit XML
        self._line = f"{title}; see the section `{SECTION}`"
        self._block = block

    def toterminal(self, writer: Any) -> None:
        """Writes one line."""
        writer.line(self._line)

    def __str__(self) -> str:
        return self._block


class Reporting:
    """A plugin for the process that a person started.

    Args:
        config: of that process.
        mode: `report` or `error`.
        suppressions: see `analyze.suppressions`.
        folder: of the journals.
        recording: if the tests run in this process.
    """

    def __init__(
        self, config: pytest.Config, mode: str, suppressions: Sequence[Rule], folder: str, recording: Recording | None
    ) -> None:
        self._config = config
        self._fails = mode == "error"
        self._suppressions = suppressions
        self._folder = folder
        self._recording = recording
        self._published: set[Any] = set()
        self._results: Results | None = None

    @pytest.hookimpl(wrapper=True)
    def pytest_runtestloop(self) -> _Wrapped:
        """Publishes what is known when the tests have run."""
        try:
            return (yield)
        finally:
            self._publish()

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logfinish(self) -> None:
        """Publishes what is known after a test if the run is to stop at a failure."""
        if self._fails and self._config.getoption("maxfail", 0):
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
            self._publish()
            if session.testsfailed > failed and session.exitstatus == pytest.ExitCode.OK:
                session.exitstatus = pytest.ExitCode.TESTS_FAILED
            self._results = self._read(int(session.exitstatus))
            self._write(self._results.document)

    @pytest.hookimpl(tryfirst=True)
    def pytest_report_teststatus(self, report: pytest.TestReport) -> tuple[str, str, str] | None:
        """Counts a report of this plugin without a letter in the progress of the tests."""
        if not report.nodeid.endswith(MARK):
            return None
        ended = self._results is not None  # the short summary wants the word
        return "error" if report.failed else "", "", "ERROR" if report.failed and ended else ""

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Prints the section."""
        if self._results is None:
            return
        writer = terminalreporter._tw
        terminalreporter.section(SECTION)
        look = Style(max(MIN_WIDTH, writer.fullwidth), writer.hasmarkup)
        for line in _section(self._results, look).splitlines():
            terminalreporter.line(line)
        if os.environ.get("GITHUB_ACTIONS") == "true":
            terminalreporter.line("")
            for line in FORMATS["github"](redact(self._results.document)).splitlines():
                terminalreporter.line(line)

    def _read(self, exit_code: int | None = None) -> Results:
        return read(
            self._folder, self._suppressions, ["pytest", *map(str, self._config.invocation_params.args)], exit_code
        )

    def _publish(self) -> None:
        """Sends a report for each test at fault that has none yet; only first-party code makes it fail."""
        for each in self._read().causes:
            fails = self._fails and each.component == "user" and each.cause.severity != "note"
            for nodeid in each.nodeids or ("unknown test",):
                if (each.key, nodeid, fails) not in self._published:
                    self._published.add((each.key, nodeid, fails))
                    self._config.hook.pytest_runtest_logreport(report=_report(each, nodeid, fails=fails))
                    self._let_rerun(nodeid)

    def _let_rerun(self, nodeid: str) -> None:
        """Puts the test itself among the last failures, so that `--lf` runs it."""
        failures = getattr(self._config.pluginmanager.get_plugin("lfplugin"), "lastfailed", {})
        if failures.pop(nodeid + MARK, None):
            failures[nodeid] = True

    def _write(self, document: dict[str, Any]) -> None:
        file = self._config.getoption("event_loops_json")
        if not file:
            return
        try:
            write(os.path.abspath(file), document)
        except OSError as error:
            sys.stderr.write(
                f"event loops: cannot write {file}: {error.strerror}; choose another --event-loops-json FILE\n"
            )


def _report(cause: Cause, nodeid: str, *, fails: bool) -> pytest.TestReport:
    block = render([cause.cause], cause.findings, Style()).rstrip()
    title = redact_text(f"{cause.cause.severity}[{cause.cause.kind}]: {cause.cause.title}")
    file, _, name = nodeid.partition("::")
    return pytest.TestReport(
        nodeid=nodeid + MARK,
        location=(file, None, (name.replace("::", ".") or file) + MARK),
        keywords={},
        outcome="failed" if fails else "passed",
        longrepr=_Block(title, block) if fails else None,  # type: ignore[arg-type]
        when="teardown",
        sections=() if fails else [(SECTION, block)],  # pytest prints those of what fails
        user_properties=[("event_loops", title)],
    )


def _section(results: Results, look: Style) -> str:
    """Returns the section: a block for each root cause of the person's, a line for each distribution at fault."""
    own = [each for each in results.causes if each.component == "user"]
    text = "".join(render([each.cause], each.findings, look) for each in own)
    others: dict[str, list[Cause]] = {}
    for each in results.causes:
        if each.component != "user":
            others.setdefault(each.component, []).append(each)
    for name, members in others.items():
        text += f"{name}: {_what(members)}; not your code\n"
    text += "".join(blind_spot(each, look) + "\n" for each in redact(results.document["cannot_tell"]))
    versions = {name: version for name, version in results.document["environment"].items() if name in _CLIENTS}
    causes = [each.cause for each in results.causes]
    findings = [finding for each in results.causes for finding in each.findings]
    return text + summary(causes, findings, versions=versions, **results.document["accounting"]) + "\n"


def _what(causes: Sequence[Cause]) -> str:
    counts = {word: sum(each.cause.severity == word for each in causes) for word in ("error", "leak", "note")}
    found = ", ".join(plural(count, word) for word, count in counts.items() if count)
    kinds = ", ".join(dict.fromkeys(each.cause.kind for each in causes))
    tests = list(dict.fromkeys(name for each in causes for name in each.nodeids))
    where = "" if not tests else f" in {tests[0]}" + (f" and {len(tests) - 1} more" if len(tests) > 1 else "")
    return f"{found} ({kinds}){where}"
