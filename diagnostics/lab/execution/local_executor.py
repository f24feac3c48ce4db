"""Executes work items on this machine.

with LocalExecutor(cache) as executor: executor.execute(item)     in this process
other_executor.submit(execute, item)                              in another process, which keeps one of its own
"""

from __future__ import annotations

import atexit
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, Self

from diagnostics.lab.environments import EnvironmentProblem, default_cache, prepare, unprepared
from diagnostics.lab.environments.locks import Lock
from diagnostics.lab.execution.outcome import TrialResult
from diagnostics.lab.execution.trials import run_trials
from diagnostics.lab.execution.work import CodeMismatch, Spans, WorkItem, WorkResult, fingerprint
from diagnostics.lab.execution.workers import ExecutorStopped, Target, WorkerPool
from diagnostics.model.cell import Environment
from diagnostics.redaction import taken

WARM: Final = 2
"""Idle workers that another process keeps for its next work items."""


class LocalExecutor:
    """Executes any number of work items at once, each in the thread of its caller.

    Args:
        cache: where environments are kept.
        warm: see `WorkerPool`.
    """

    def __init__(self, cache: Path, *, warm: int = 0) -> None:
        self._cache = cache
        self._workers = WorkerPool(cache, warm=warm)

    def __enter__(self) -> Self:
        self._workers.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._workers.close()

    def stop(self) -> None:
        """Kills every worker; `execute` raises `ExecutorStopped` from now on."""
        self._workers.stop()

    def execute(self, item: WorkItem, on_result: Callable[[TrialResult], None] | None = None) -> WorkResult:
        """Prepares the environment of a work item and runs its trials.

        Args:
            on_result: receives each result as its trial ends; without it, the returned record has all of them.

        Raises:
            ExecutorStopped: the executor was stopped.
            CodeMismatch: this machine differs from the one that created the item.
        """
        if self._workers.stopped:
            raise ExecutorStopped
        if item.code != fingerprint():
            raise CodeMismatch("a machine has another version of this project: install the same one on all machines")
        redact = item.redactor(self._cache)
        lock = None if item.lock is None else Lock(item.lock)
        try:
            prepared = prepare(item.combination, cache=self._cache, offline=item.offline, lock=lock)
        except EnvironmentProblem as problem:
            reason = redact(problem.reason)
            redacted = taken(problem.reason, reason)
            return WorkResult(unprepared(item.combination), status=problem.status, reason=reason, redacted=redacted)
        if item.environment not in (None, prepared.environment):
            raise CodeMismatch(_difference(item.environment, prepared.environment))
        target = Target(prepared.python, prepared.environment, prepared.files)
        spans: Spans = []
        losses: list[str] = []
        results: list[TrialResult] = []
        for result in run_trials(
            item.plans,
            target.environment,
            lambda: self._workers.worker(target, item.limits),
            at_once=item.at_once,
            redact=redact,
            spans=spans,
            losses=losses,
        ):
            (on_result or results.append)(result)
        now = time.perf_counter()
        ago = tuple((begin - now, end - now) for begin, end in spans)
        return WorkResult(
            prepared.environment, prepared.lock, results=tuple(results), spans=ago, losses=tuple(map(redact, losses))
        )


def _difference(expected: Environment | None, found: Environment) -> str:
    return (
        f"a machine makes {found.name} (Python {found.python}) where this run has "
        f"{expected.name if expected else 'nothing'} (Python {expected.python if expected else ''}): "
        "install the same Pythons on all machines"
    )


_lock = threading.Lock()
_executors: list[LocalExecutor] = []


def execute(item: WorkItem) -> WorkResult:
    """Executes a work item with the executor of this process, which lives from the first item to the process's end."""
    with _lock:
        if not _executors:
            executor = LocalExecutor(default_cache(), warm=WARM).__enter__()
            atexit.register(executor.__exit__, None, None, None)
            _executors.append(executor)
    return _executors[0].execute(item)
