"""Records in the process that runs tests: where pytest is, and the facts, in a journal."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Generator
from types import CodeType
from typing import Any

import pytest

from diagnostics.model.words import FINDING_KINDS
from diagnostics.pytest_plugin.attribution import Attribution
from diagnostics.pytest_plugin.moments import NOWHERE, Later, Moment, Moments, described
from diagnostics.sanitizer.capture.blind_spots import blind_spots
from diagnostics.sanitizer.capture.journal import Journal
from diagnostics.sanitizer.capture.loop_origins import ask, ask_no_more
from diagnostics.sanitizer.capture.pending import stuck_calls
from diagnostics.sanitizer.capture.recorder import RECORDER
from diagnostics.sanitizer.capture.sites import ends_at, goes_on_at
from diagnostics.sanitizer.capture.tracker import TRACKER
from diagnostics.sanitizer.capture.unclosed_at_exit import unclosed_at_exit

_Wrapped = Generator[None, Any, Any]


def _code(name: str) -> CodeType | None:
    """Returns the code of a function of pytest, which another release may not have."""
    found: Any = sys.modules[pytest.fixture.__module__]
    for word in name.split("."):
        found = getattr(found, word, None)
    return getattr(found, "__code__", None)


_CALLS_FIXTURE = _code("call_fixture_func")
_ENDS_FIXTURE = _code("FixtureDef.finish")
"""Callers of these say nothing about a fixture, if its test asks for it by an argument."""


class Recording:
    """A plugin for the process that runs tests.

    Args:
        journal: path of a file that exists.
        root: pytest's root directory.
    """

    def __init__(self, journal: str, root: str) -> None:
        self._moments = Moments()
        self._fixtures: dict[Any, Later] = {}
        self._ended = False
        self._journal = Journal(journal)
        self._journal.process_begins(os.getppid())
        self._attribution = Attribution(self._moments, root, self._fixture_of, self._after_fork)
        ask(self._scope)
        TRACKER.instruments.add(self._attribution, first=True)
        TRACKER.instruments.add(self._journal)
        for fact in RECORDER.facts:  # of a `conftest.py`
            self._attribution.fact(fact)
            self._journal.fact(fact)

    def end(self) -> None:
        """Writes what is known only at the end."""
        if self._ended:
            return
        self._ended = True
        TRACKER.report(*unclosed_at_exit(), *stuck_calls(hanging=False))
        self._journal.state(TRACKER.calls, TRACKER.requests, list(TRACKER.clients.values()), blind_spots())
        self._journal.ends("exit")
        TRACKER.instruments.remove(self._journal)
        TRACKER.instruments.remove(self._attribution)
        ask_no_more(self._scope)

    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """Stacks end where pytest begins a phase of a test."""
        runner = session.config.pluginmanager.get_plugin("runner")
        for phase in ("setup", "call", "teardown"):
            ends_at(getattr(runner, f"pytest_runtest_{phase}").__code__)
        for code in (_CALLS_FIXTURE, _ENDS_FIXTURE):
            if code is not None:
                ends_at(code)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_make_collect_report(self, collector: pytest.Collector) -> _Wrapped:
        """Modules are imported while they are collected."""
        with self._moments.at(Moment(collector.nodeid, "collect")):
            return (yield)

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Checks the markers."""
        seen: set[Any] = set()
        for item in items:
            if _marked(item, seen):
                _allowed(item)

    # Not wrappers, which cost more, so what is between two phases belongs to the first.

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> None:
        """Before what other plugins do around the setup."""
        self._moments.go((_moment, item, "setup"))

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Sets up a test, perhaps again."""
        if self._moments.latest[1:3] != (item, "setup"):
            self._moments.go((_moment, item, "setup"))

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_call(self, item: pytest.Item) -> None:
        """Runs a test."""
        self._moments.go((_moment, item, "call"))

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_teardown(self, item: pytest.Item) -> None:
        """Tears down a test and the fixtures whose scope ends with it."""
        self._moments.go((_moment, item, "teardown"))

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logfinish(self) -> None:
        """A test has ended."""
        self._moments.back(NOWHERE)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_fixture_setup(self, fixturedef: Any, request: Any) -> _Wrapped:
        """Sets up a fixture."""
        moments = self._moments
        before = moments.latest
        self._fixtures[fixturedef] = moment = (_in_fixture, fixturedef, (before, request.node))
        moments.go(moment)
        if before[2] == "setup":
            try:
                return (yield)
            finally:
                moments.back(before)
        # The code of a test or another fixture asks for this one: stacks go on to that.
        longer = _CALLS_FIXTURE is not None and goes_on_at(_CALLS_FIXTURE)
        try:
            return (yield)
        finally:
            if longer:
                ends_at(_CALLS_FIXTURE)  # type: ignore[arg-type]
            moments.go(before)

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_sessionfinish(self) -> _Wrapped:
        """Fixtures are torn down here after Ctrl-C."""
        try:
            return (yield)
        finally:
            self.end()

    def _scope(self) -> str | None:
        latest: Any = self._moments.latest
        is_here = latest[0] is _in_fixture and self._moments.is_here()
        return str(latest[1].scope) if is_here else None

    def _fixture_of(self, file: str, line: int) -> Moment | None:
        for fixturedef, moment in self._fixtures.items():
            code = getattr(_unwrapped(fixturedef.func), "__code__", None)
            if code is not None and (code.co_filename, code.co_firstlineno) == (file, line):
                return described(moment)
        return None

    def _after_fork(self) -> None:
        with contextlib.suppress(OSError):
            self._journal.process_begins(os.getppid())


def _moment(item: pytest.Item, phase: str) -> Moment:
    return Moment(item.nodeid, phase, allowed=_allowed(item))


def _in_fixture(fixturedef: Any, asked: tuple[Moment | Later, Any]) -> Moment:
    before, node = described(asked[0]), asked[1]
    allowed = before.allowed if fixturedef.scope == "function" else frozenset[str]()
    return Moment(before.nodeid or node.nodeid, "setup", fixturedef.argname, fixturedef.scope, allowed=allowed)


def _marked(node: Any, seen: set[Any]) -> bool:
    """Returns whether something around an item, that was not seen before, or the item has a marker of this plugin."""
    found = False
    while node is not None and node not in seen:
        seen.add(node)
        found = found or any(mark.name == "event_loops" for mark in node.own_markers)
        node = node.parent
    return found


def _allowed(item: pytest.Item) -> frozenset[str]:
    found: set[str] = set()
    for marker in item.iter_markers("event_loops"):
        allow = marker.kwargs.get("allow", ())
        kinds = {allow} if isinstance(allow, str) else set(allow)
        unknown = sorted(kinds - set(FINDING_KINDS))
        if marker.args or set(marker.kwargs) - {"allow", "reason"} or not kinds or unknown:
            what = f"{unknown[0]!r} is not one of {', '.join(FINDING_KINDS)}" if unknown else "write allow='KIND'"
            raise pytest.UsageError(f"{item.nodeid}: marker event_loops: {what}")
        found |= kinds
    return frozenset(found)


def _unwrapped(function: Any) -> Any:
    while hasattr(function, "__wrapped__"):
        function = function.__wrapped__
    return function
