"""Who asked what: requests, repetitions and connections per trial, and the faults planned for each.

Pure bookkeeping behind one lock, so that any thread may read what the server's thread writes. It forgets a trial
entirely when told to, and a connection when it is lost: a host that runs ten thousand trials does not grow.
"""

from __future__ import annotations

import threading
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from diagnostics.lab.server.faults import NO_FAULTS, Faults

C = TypeVar("C", bound=Hashable)


@dataclass(frozen=True)
class Account:
    """What the server saw of one trial so far.

    Attributes:
        requests: complete requests, whatever the answer, without those to `/control`.
        retries: those among them that said themselves that they are a repetition (`x-stainless-retry-count` above 0).
        connections: distinct TCP connections that carried at least one of them.
        open_connections: those among them that the server has not seen closed yet.
    """

    requests: int = 0
    retries: int = 0
    connections: int = 0
    open_connections: int = 0


@dataclass
class _Page(Generic[C]):
    faults: Faults
    requests: int = 0
    retries: int = 0
    connections: int = 0
    open: set[C] = field(default_factory=set)

    def account(self) -> Account:
        return Account(self.requests, self.retries, self.connections, len(self.open))


class RequestLedger(Generic[C]):
    """Counts per trial; `C` is whatever stands for a connection.

    Args:
        faults: what a trial gets that nothing was planned for.
    """

    def __init__(self, faults: Faults = NO_FAULTS) -> None:
        self._faults = faults
        self._lock = threading.Lock()
        self._pages: dict[str, _Page[C]] = {}
        self._trials: dict[C, set[str]] = {}

    def plan(self, trial: str, faults: Faults) -> None:
        """Sets the faults of a trial; its counts are kept."""
        with self._lock:
            self._page(trial).faults = faults

    def arrive(self, trial: str, connection: C, *, retry: bool) -> tuple[int, Faults]:
        """Counts a request; returns its number in the trial (from 0) and the trial's faults."""
        with self._lock:
            page = self._page(trial)
            number = page.requests
            page.requests += 1
            page.retries += retry
            trials = self._trials.setdefault(connection, set())
            if trial not in trials:
                trials.add(trial)
                page.open.add(connection)
                page.connections += 1
            return number, page.faults

    def lost(self, connection: C) -> None:
        """A connection is closed; one that carried nothing is not an error."""
        with self._lock:
            for trial in self._trials.pop(connection, ()):
                self._pages[trial].open.discard(connection)

    def connections(self, trial: str) -> list[C]:
        """The open connections that carried a request of the trial."""
        with self._lock:
            page = self._pages.get(trial)
            return list(page.open) if page else []

    def account(self, trial: str) -> Account:
        """The counts of a trial; zeros for an unknown one."""
        with self._lock:
            page = self._pages.get(trial)
            return page.account() if page else Account()

    def forget(self, trial: str) -> Account:
        """The last counts of a trial, which is then as if it had never been; its connections stay as they are."""
        with self._lock:
            page = self._pages.pop(trial, None)
            if page is None:
                return Account()
            for connection in page.open:
                trials = self._trials[connection]
                trials.discard(trial)
                if not trials:
                    del self._trials[connection]
            return page.account()

    def __len__(self) -> int:
        with self._lock:
            return len(self._pages) + len(self._trials)

    def _page(self, trial: str) -> _Page[C]:
        page = self._pages.get(trial)
        if page is None:
            page = self._pages[trial] = _Page(self._faults)
        return page
