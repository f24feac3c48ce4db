"""What pytest is doing now, and what it was doing when something was made.

Records of the sanitizer are numbered in the order in which they are made. So the numbers at which the moments began in
which something was made are enough to tell where.
"""

from __future__ import annotations

import bisect
import contextvars
import threading
import weakref
from _thread import get_ident
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from diagnostics.sanitizer.capture.facts import now


class Moment(NamedTuple):
    """Where in a run of pytest something happens.

    Attributes:
        nodeid: of the test or collector; the file for what is made at import; empty where it cannot be known.
        phase: `import`, `collect`, `setup`, `call` or `teardown`; empty between tests.
        fixture: that is being set up.
        scope: of that fixture.
        thread: name of the thread, where that is why the test cannot be known.
        allowed: kinds of findings that the test expects.
    """

    nodeid: str = ""
    phase: str = ""
    fixture: str = ""
    scope: str = ""
    thread: str = ""
    allowed: frozenset[str] = frozenset()

    @property
    def test(self) -> str:
        """The test that this belongs to; empty for a fixture that several tests share."""
        return "" if self.fixture and self.scope != "function" else self.nodeid


Later = tuple[Callable[..., Moment], Any, Any]
"""A moment that is described only if somebody asks: a function and its two arguments."""

NOWHERE = Moment()
_CURRENT: contextvars.ContextVar[Moment | Later] = contextvars.ContextVar("event_loops_moment", default=NOWHERE)


def described(moment: Moment | Later) -> Moment:
    """Returns a moment itself."""
    return moment if isinstance(moment, Moment) else moment[0](moment[1], moment[2])


class Moments:
    """The moments of this process, by the numbers at which they began."""

    def __init__(self) -> None:
        self._main = get_ident()
        self.latest: Moment | Later = NOWHERE
        self._began = now()
        self._numbers: list[int] = []
        self._moments: list[Moment | Later] = []
        self._threads: weakref.WeakKeyDictionary[threading.Thread, Moment | Later] = weakref.WeakKeyDictionary()

    @property
    def current(self) -> Moment:
        """What pytest is doing now."""
        return described(self.latest)

    @contextmanager
    def at(self, moment: Moment) -> Iterator[None]:
        """Goes to a moment, and back at the end."""
        before = self.latest
        self.go(moment)
        try:
            yield
        finally:
            self.go(before)

    def at_number(self, number: int) -> Moment:
        """Returns the moment in which something with this number was made, in the main thread."""
        at = bisect.bisect_right(self._numbers, number)
        if number > self._began:
            return self.current
        return described(self._moments[at - 1]) if at else NOWHERE

    def here(self) -> Moment:
        """Returns the moment that the running thread works for; see `later`."""
        return described(self.later())

    def is_here(self) -> bool:
        """Returns whether this is the thread in which pytest runs."""
        return get_ident() == self._main

    def later(self) -> Moment | Later:
        """Returns the moment that the running thread works for; without a node id where that cannot be known.

        A thread that was started by this test, or by a fixture, works for it. A thread of an earlier test may have
        been given its work by anybody.
        """
        if get_ident() == self._main:
            return self.latest
        thread = threading.current_thread()
        given = _CURRENT.get()  # of the code that handed over the work, as `asyncio.to_thread` and portals of anyio do
        if given is not NOWHERE:
            return given
        started = described(self._threads.get(thread, self.latest))
        if not started.test or started.nodeid == self.current.nodeid:
            return started
        return Moment(thread=thread.name)

    def context(self, context: contextvars.Context) -> Moment:
        """Returns the moment in which a context was copied."""
        return described(context.get(_CURRENT, NOWHERE))

    def go(self, moment: Moment | Later) -> None:
        """Goes to a moment."""
        if len(threading._active) > 1:  # type: ignore[attr-defined] # as `active_count`, without its lock
            for thread in threading.enumerate():
                if thread not in self._threads:
                    self._threads[thread] = self.latest
        _CURRENT.set(moment)
        number = now()
        if number != self._began + 1:
            self._ended()
        self._began = number
        self.latest = moment

    def back(self, moment: Moment | Later) -> None:
        """Goes to a moment in which pytest runs no code of a test or fixture."""
        number = now()
        if number != self._began + 1:
            self._ended()
        self._began = number
        self.latest = moment

    def _ended(self) -> None:
        """Keeps the last moment, in which something was made."""
        self._numbers.append(self._began)
        self._moments.append(self.latest)
