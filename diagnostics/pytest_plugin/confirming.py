"""`--event-loops-confirm`: runs tests at fault alone, and with a test that they hurt, in processes of their own.

Where the collector runs decides which test fails, so there is a run for each of several points. A run gets the options
of this one, except those that choose tests or name files to write.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import pytest

from diagnostics.model.finding import Confirmation, InTest
from diagnostics.pytest_plugin.alone import AFTER_TESTS, IN_SETUP, OFF, VARIABLE
from diagnostics.pytest_plugin.results import Results
from diagnostics.sanitizer.output.formats.place import first_line
from diagnostics.sanitizer.output.redact import redact

_OVERRIDES: Final = {
    "allure_report_dir": ("--alluredir={folder}/allure",),
    "basetemp": ("--basetemp={folder}/temporary",),
    "htmlpath": ("--html={folder}/report.html",),
    "json_report_file": ("--json-report-file={folder}/report.json",),
    "keyword": ("-k", ""),
    "log_file": ("--log-file={folder}/log",),
    "markexpr": ("-m", ""),
    "maxfail": ("--maxfail=0",),
    "no_cov": ("--no-cov",),
    "numprocesses": ("-n0",),
    "report_log": ("--report-log={folder}/report.log",),
    "reruns": ("--reruns=0",),
    "xmlpath": ("--junit-xml={folder}/junit.xml",),
}
"""By the attribute of an option, if some plugin has it: what undoes it in a run."""
_DROPPED: Final = ("--pdb", "--trace", "--looponfail", "-f")

_Place = tuple[Any, ...]


class _Run(NamedTuple):
    """Tests, or their file, to run, and where the collector runs."""

    tests: tuple[str, ...]
    collector: str


class Confirming:
    """A plugin for the process that a person started.

    Attributes:
        known: the result for each key of a root cause.
    """

    def __init__(self, config: pytest.Config, seconds: float) -> None:
        self._config = config
        self._seconds = seconds
        self._files: set[str] = set()
        self._found: dict[_Run, frozenset[_Place] | None] = {}
        self.known: dict[Any, Confirmation] = {}

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """Keeps which files have tests."""
        self._files.add(nodeid.partition("::")[0])

    def confirm(self, results: Results) -> None:
        """Runs the tests of each root cause that has no result yet."""
        document = redact(results.document)
        for each, encoded in zip(results.causes, document["root_causes"], strict=True):
            if each.key not in self.known:
                alone, together = self._runs(each.test)
                place = _place(document, encoded)
                shown = {run: self._in_run(run, place) for run in (*alone, *together)}
                self.known[each.key] = _confirmation(shown, alone, together, self._seconds)

    def _runs(self, test: InTest | None) -> tuple[list[_Run], list[_Run]]:
        """Returns runs of the test at fault alone, and with one that it hurts."""
        if test is None or not test.nodeid:
            return [], []
        suspect, victim = test.nodeid, next(iter(test.hurt), "")
        if test.phase == "import" and suspect not in self._files:
            suspect = victim.partition("::")[0]
        if not suspect:
            return [], []
        alone = [_Run((suspect,), place) for place in (OFF, AFTER_TESTS)]
        return alone, [_Run((suspect, victim), place) for place in (OFF, AFTER_TESTS, IN_SETUP)] if victim else []

    def _in_run(self, run: _Run, place: _Place) -> bool | None:
        """Returns whether a root cause shows in a run; `None` where the run gave no result."""
        if run not in self._found:
            with tempfile.TemporaryDirectory(prefix="event-loops-") as folder:
                self._found[run] = self._start(run, folder)
        found = self._found[run]
        return None if found is None else place in found

    def _start(self, run: _Run, folder: str) -> frozenset[_Place] | None:
        around = {**os.environ, VARIABLE: json.dumps({"tests": run.tests, "collector": run.collector})}
        child = subprocess.Popen(
            [sys.executable, "-m", "pytest", *self._arguments(run, folder)],
            cwd=self._config.invocation_params.dir,
            env=around,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            child.wait(self._seconds)
        except subprocess.TimeoutExpired:
            return None
        finally:
            _end(child)
        try:
            with open(_findings(folder), encoding="utf-8") as stream:
                document = json.load(stream)
        except (OSError, ValueError):
            return None
        return frozenset(_place(document, cause) for cause in document["root_causes"])

    def _arguments(self, run: _Run, folder: str) -> list[str]:
        options = vars(self._config.option)
        undone = [word.format(folder=folder) for name, words in _OVERRIDES.items() if name in options for word in words]
        files = dict.fromkeys(name.partition("::")[0] for name in run.tests)
        return [
            *_options(self._config),
            f"--rootdir={self._config.rootpath}",
            *("-p", "diagnostics.pytest_plugin.alone", "-o", f"cache_dir={folder}/cache"),
            *("--event-loops=report", f"--event-loops-json={_findings(folder)}"),
            *undone,
            *(str(self._config.rootpath / name) for name in files),
        ]


def _findings(folder: str) -> str:
    return os.path.join(folder, "findings.json")


def _end(child: subprocess.Popen[bytes]) -> None:
    if child.poll() is None:
        with contextlib.suppress(OSError):
            os.killpg(child.pid, signal.SIGKILL) if hasattr(os, "killpg") else child.kill()
        child.wait()
    if child.stdin is not None:
        child.stdin.close()


def _options(config: pytest.Config) -> list[str]:
    """Returns the command line without the names of tests."""
    words = [word for word in map(str, config.invocation_params.args) if word not in _DROPPED]
    named = set(config._parser.parse_known_args(words).file_or_dir)
    return [word for at, word in enumerate(words) if word not in named or not _names_tests(config, words, at)]


def _names_tests(config: pytest.Config, words: Sequence[str], at: int) -> bool:
    """Returns whether a word is not the value of an option: another one in its place names tests too."""
    other = "\0"
    try:
        return other in config._parser.parse_known_args([*words[:at], other, *words[at + 1 :]]).file_or_dir
    except (pytest.UsageError, ValueError):
        return False


def _place(document: Mapping[str, Any], cause: Mapping[str, Any]) -> _Place:
    line = first_line(document, cause) or {}
    return cause["kind"], line.get("file"), line.get("line")


def _confirmation(
    shown: Mapping[_Run, bool | None], alone: Sequence[_Run], together: Sequence[_Run], seconds: float
) -> Confirmation:
    """Says in how many runs a root cause shows."""
    ended = [each for each in shown.values() if each is not None]
    parts = [_count(shown, alone, "alone")] if alone else ["no test is known that can run alone"]
    if together:
        parts.append(_count(shown, together, f"with {together[0].tests[1]}"))
    if missing := len(shown) - len(ended):
        parts.append(f"{missing} without a result in {seconds:g} s")
    return Confirmation("confirmed" if any(ended) else "suspected", sum(ended), len(ended), ", ".join(parts))


def _count(shown: Mapping[_Run, bool | None], runs: Sequence[_Run], how: str) -> str:
    ended = [each for run in runs if (each := shown[run]) is not None]
    return f"in {sum(ended)} of {len(ended)} runs {how}"
