"""A station carries out orders on the machine it is on: a provider server, prepared environments, and workers.

    with LocalExecutor(cache) as station: station.execute(order)      in this process
    executor.submit(execute, order)                             in any other one, which gets a station of its own

Nothing of it is shared between machines: trials talk to their server over loopback, environments are in the cache of
the machine. What a station starts ends with its process, however that ends.
"""

from __future__ import annotations

import atexit
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from diagnostics.lab.environments import EnvironmentProblem, PreparedEnvironment, default_cache, prepare, unprepared
from diagnostics.lab.environments.locks import Lock
from diagnostics.lab.execution.outcome import TrialResult
from diagnostics.lab.execution.playing import Spans, play
from diagnostics.lab.execution.staging import stage_code
from diagnostics.lab.execution.work import FIRST_CALL, CodeMismatch, WorkItem, WorkResult, fingerprint
from diagnostics.lab.execution.worker import Worker, WorkerLost
from diagnostics.lab.server import ProviderServer
from diagnostics.model.cell import Environment
from diagnostics.redaction import taken

WARM: Final = 2
"""Workers that a station of another process keeps for its next orders; each has imported a hundred megabytes."""


class ExecutorStopped(Exception):
    """The station was told to stop; what was kept is kept."""


class LocalExecutor:
    """Carries out orders, any number at once, each in the thread that asks.

    Args:
        cache: where environments are kept.
        warm: workers to keep when an order is done, for the next one in the same environment.
    """

    def __init__(self, cache: Path, *, warm: int = 0) -> None:
        self._cache = cache
        self._warm = warm
        self._stack = ExitStack()
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._busy: set[Worker] = set()
        self._idle: list[tuple[tuple[object, ...], Worker]] = []

    def __enter__(self) -> Self:
        self._server = self._stack.enter_context(ProviderServer())
        self._inside = stage_code(self._cache)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends everything."""
        self.stop()
        with self._lock:
            idle, self._idle = self._idle, []
        for _, worker in idle:
            worker.close()
        self._stack.close()

    def stop(self) -> None:
        """Ends every worker in use and with it every trial; whoever carries out an order gets `ExecutorStopped`."""
        with self._lock:
            self._stopped.set()
            workers = list(self._busy)
        for worker in workers:
            worker.kill()

    def execute(self, order: WorkItem, keep: Callable[[TrialResult], None] | None = None) -> WorkResult:
        """Prepares the environment of an order and plays its trials.

        Args:
            keep: given each result as its trial ends; without it, all of them are in the answer.

        Raises:
            ExecutorStopped: the station was stopped.
            CodeMismatch: this machine is not what the order was made for.
        """
        if self._stopped.is_set():
            raise ExecutorStopped
        if order.code != fingerprint():
            raise CodeMismatch("a machine has another version of this project: install the same one on all of them")
        clean = order.redactor(self._cache)
        lock = None if order.lock is None else Lock(order.lock)
        try:
            prepared = prepare(order.combination, cache=self._cache, offline=order.offline, lock=lock)
        except EnvironmentProblem as problem:
            reason = clean(problem.reason)
            lost = taken(problem.reason, reason)
            return WorkResult(unprepared(order.combination), status=problem.status, reason=reason, redacted=lost)
        if order.environment not in (None, prepared.environment):
            raise CodeMismatch(_difference(order.environment, prepared.environment))
        spans: Spans = []
        results: list[TrialResult] = []
        for result in play(
            order.plans,
            prepared.environment,
            lambda: self._hire(prepared, order),
            at_once=order.at_once,
            clean=clean,
            spans=spans,
        ):
            (keep or results.append)(result)
        return WorkResult(prepared.environment, prepared.lock, results=tuple(results), playing=tuple(spans))

    @contextmanager
    def _hire(self, prepared: PreparedEnvironment, order: WorkItem) -> Iterator[Worker]:
        kind = (prepared.environment.name, order.timeout, order.memory)
        with self._lock:
            known = next((number for number, (of, _) in enumerate(self._idle) if of == kind), None)
            worker = None if known is None else self._idle.pop(known)[1]
        if worker is None:
            worker = Worker(
                prepared.python,
                self._inside,
                self._server,
                loop=prepared.environment.loop,
                timeout=order.timeout,
                memory=order.memory,
                probe_timeout=FIRST_CALL,
            )
        superfluous = [worker]
        try:
            with self._lock:
                if self._stopped.is_set():
                    raise ExecutorStopped
                self._busy.add(worker)
            yield worker
            with self._lock:
                self._idle.append((kind, worker))
                superfluous = [old for _, old in self._idle[: -self._warm or None]]
                del self._idle[: len(superfluous)]
        except WorkerLost:
            if self._stopped.is_set():
                raise ExecutorStopped from None
            raise
        finally:
            with self._lock:
                self._busy.discard(worker)
            for old in superfluous:
                old.close()


def _difference(expected: Environment | None, found: Environment) -> str:
    return (
        f"a machine makes {found.name} (Python {found.python}) of what is {expected.name if expected else 'nothing'} "
        f"(Python {expected.python if expected else ''}) in this run: give all machines the same Pythons"
    )


_lock = threading.Lock()
_stations: list[LocalExecutor] = []


def execute(order: WorkItem) -> WorkResult:
    """Carries out an order with the station of this process, which is there from the first order to the end."""
    with _lock:
        if not _stations:
            station = LocalExecutor(default_cache(), warm=WARM).__enter__()
            atexit.register(station.close)
            _stations.append(station)
    return _stations[0].execute(order)
