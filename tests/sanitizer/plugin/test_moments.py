"""Which moment of a run of pytest a thread works for."""

from __future__ import annotations

import contextvars
import queue
import threading
from typing import TYPE_CHECKING

import pytest

from diagnostics.pytest_plugin.moments import Moment, Moments
from diagnostics.sanitizer.capture.facts import now

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

TEST = Moment("test_it.py::test_one", "call")
OTHER = Moment("test_it.py::test_two", "call")
FIXTURE = Moment("test_it.py::test_one", "setup", "server", "session")


class _Worker:
    """A thread that runs what it is given."""

    def __init__(self) -> None:
        self._given: queue.SimpleQueue[Callable[[], Moment] | None] = queue.SimpleQueue()
        self._answers: queue.SimpleQueue[Moment] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="worker")
        self._thread.start()

    def ask(self, function: Callable[[], Moment]) -> Moment:
        self._given.put(function)
        return self._answers.get(timeout=60)

    def end(self) -> None:
        self._given.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (function := self._given.get()) is not None:
            self._answers.put(function())


@pytest.fixture
def workers() -> Iterator[Callable[[], _Worker]]:
    made: list[_Worker] = []

    def make() -> _Worker:
        made.append(_Worker())
        return made[-1]

    yield make
    for each in made:
        each.end()


def test_a_number_tells_when_something_was_made() -> None:
    moments = Moments()
    with moments.at(TEST):
        first = now()
        with moments.at(FIXTURE):
            second = now()
        third = now()
    assert [moments.at_number(number) for number in (first, second, third, now())] == [TEST, FIXTURE, TEST, Moment()]


def test_a_thread_works_for_the_test_that_starts_it(workers: Callable[[], _Worker]) -> None:
    moments = Moments()
    with moments.at(TEST):
        assert workers().ask(moments.here) == TEST


def test_a_thread_of_a_shared_fixture_works_for_that(workers: Callable[[], _Worker]) -> None:
    moments = Moments()
    with moments.at(FIXTURE):
        worker = workers()
    with moments.at(OTHER):
        assert worker.ask(moments.here) == FIXTURE


def test_nobody_knows_whom_a_thread_of_an_earlier_test_works_for(workers: Callable[[], _Worker]) -> None:
    moments = Moments()
    with moments.at(TEST):
        worker = workers()
    with moments.at(OTHER):
        assert worker.ask(moments.here) == Moment(thread="worker")
        # Unless the work comes with the context of who gave it, as from `asyncio.to_thread`.
        context = contextvars.copy_context()
        assert worker.ask(lambda: context.run(moments.here)) == OTHER
