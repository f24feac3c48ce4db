"""Runs a matrix: has environments prepared and their trials run, and stores each trial as it ends.

    run(settings, store, listener, about)            in threads of this process
    run(settings, store, listener, about, remote)    wherever an executor runs work items

A free executor thread gets the next work item of the environment that the fewest work on. Only this process stores
trials, each once, so an interruption loses no more than the trials that are running, and a work item may be executed
any number of times.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from typing import Protocol

from diagnostics.lab.combination import Combination
from diagnostics.lab.environments import unprepared
from diagnostics.lab.execution.local_executor import LocalExecutor, execute
from diagnostics.lab.execution.outcome import TrialPlan, TrialResult, not_run
from diagnostics.lab.execution.work import MachineLost, Spans, WorkItem, WorkResult, covered, fingerprint
from diagnostics.lab.execution.workers import ExecutorStopped
from diagnostics.lab.plan import Profile, Role, Selection, plans, why_nothing
from diagnostics.lab.redactor import Redact
from diagnostics.lab.work_queue import WorkQueue, WorkQueues
from diagnostics.model.limits import Limits
from diagnostics.model.trial import Trial
from diagnostics.runs.records import EnvironmentRow, RunMeta
from diagnostics.runs.writer import Store, StoreError, now


class RunListener(Protocol):
    """Receives the progress of a run: from several threads, but one call at a time."""

    def environment(self, slug: str, status: str, reason: str | None, trials: int) -> None:
        """An environment is ready (`ran`) and this many trials are left to run, or it is not available."""

    def trial(self, trial: Trial) -> None:
        """A trial was stored."""

    def environment_done(self, slug: str) -> None:
        """All trials of an environment are stored."""


@dataclass(frozen=True)
class RunSettings:
    """What to run.

    Attributes:
        combinations: each with its role in the plan.
        redactor: see `WorkItem`; applied on the machine where a trial runs, before its record is sent or stored.
        environments_at_once: environments that are prepared, or run trials, at the same time.
        trials_at_once: trials that run at the same time in each of them.
    """

    combinations: Sequence[tuple[Combination, Role]]
    profile: Profile
    choice: Selection
    cache: Path
    redactor: Callable[[Path], Redact]
    offline: bool = False
    environments_at_once: int = 2
    trials_at_once: int = 2
    limits: Limits = Limits()  # noqa: RUF009 - frozen

    def plans(self, name: str, installed: Sequence[str], role: Role) -> list[TrialPlan]:
        """Returns the trials of one environment; see `plan.plans`."""
        return plans(name, installed, self.profile, self.choice, role=role, can_fork=hasattr(os, "fork"))


@dataclass(frozen=True)
class RemoteExecution:
    """Other processes that execute work items, on this machine or another.

    Attributes:
        executor: of any kind; what is submitted to it can be pickled.
        width: returns how many work items it can execute at once, now.
        chunk: trials for each work item; when a machine is lost, as many are lost and run again.
    """

    executor: Executor
    width: Callable[[], int]
    chunk: int = 8


@dataclass(frozen=True)
class _Execution:
    """Where work items go; `chunk` is `None` where each environment is one item and results are stored one by one."""

    executor: Executor
    execute: Callable[[WorkItem], WorkResult]
    width: Callable[[], int]
    chunk: int | None = None


class _Run:
    """The state of one run."""

    def __init__(self, settings: RunSettings, store: Store, listener: RunListener) -> None:
        self.spans: Spans = []
        self.losses: dict[str, None] = {}
        self._settings = settings
        self._redact = settings.redactor(settings.cache)
        self._store = store
        self._listener = listener
        self._lock = threading.Lock()
        self._over = False
        self._queues: dict[str, WorkQueue] = {}
        # What an earlier part of a resumed run has noted stays, whatever is selected now: its trials are stored here.
        self._rows = {row.slug: row for row in store.environments.values()}

    def run(self, execution: _Execution) -> None:
        """Gives out work items until nothing is left to do, and stores what they bring back."""
        queues = WorkQueues([WorkQueue(self._item(combination), role) for combination, role in self._combinations])
        running: dict[Future[WorkResult], tuple[WorkQueue, WorkItem]] = {}
        ended: SimpleQueue[tuple[Future[WorkResult], float]] = SimpleQueue()
        try:
            while True:
                while len(running) < max(1, execution.width()) and (taken := queues.take()) is not None:
                    future = execution.executor.submit(execution.execute, taken[1])
                    running[future] = taken
                    future.add_done_callback(lambda done: ended.put((done, time.perf_counter())))
                if not running:
                    return
                # Whatever has ended meanwhile is stored together, because flushing the file takes most of the time.
                futures = [ended.get()]
                while not ended.empty():
                    futures.append(ended.get())
                self._settle([(*running.pop(future), future, at) for future, at in futures], execution.chunk)
        except BaseException:
            for future in running:
                future.cancel()
            raise

    def stop(self) -> None:
        """Stores nothing from now on."""
        with self._lock:
            self._over = True

    def keep(self, *results: TrialResult) -> None:
        """Stores trials that are not stored yet.

        Raises:
            ExecutorStopped: the run is over.
        """
        with self._lock:
            if self._over:
                raise ExecutorStopped
            by_key = {result.trial.key: result for result in results}
            new = [result for key, result in by_key.items() if key not in self._store.done]
            if not new:
                return
            for result in new:
                if result.events:
                    self._store.put_timeline(result.trial.key, result.events)
            self._store.append(*(result.trial for result in new))
            for result in new:
                queue = self._queues[result.trial.environment.name]
                queue.left -= 1
                self._listener.trial(result.trial)
                if queue.left == 0:
                    self._listener.environment_done(queue.item.combination.slug)

    @property
    def _combinations(self) -> Sequence[tuple[Combination, Role]]:
        return self._settings.combinations

    def _item(self, combination: Combination) -> WorkItem:
        settings = self._settings
        return WorkItem(
            combination,
            settings.redactor,
            fingerprint(),
            at_once=settings.trials_at_once,
            limits=settings.limits,
            offline=settings.offline,
        )

    def _settle(
        self, ended: Sequence[tuple[WorkQueue, WorkItem, Future[WorkResult], float]], chunk: int | None
    ) -> None:
        """Stores the results of work items, and queues again what they did not bring back."""
        settled = [(queue, item, *_result(item, future)) for queue, item, future, _ in ended]
        for (*_, at), (*_, result) in zip(ended, settled, strict=True):
            self.spans += [(at + begin, at + end) for begin, end in result.spans]
        self.losses |= dict.fromkeys(loss for *_, result in settled for loss in result.losses)
        self.keep(*(trial for *_, result in settled for trial in result.results))
        for queue, item, completed, result in settled:
            given_up = queue.settle(item, completed=completed, stored=self._store.done)
            if item.environment is not None:
                self._give_up(item, given_up or (), result.reason or "no machine has run it")
            elif completed or given_up is not None:
                self._begin(queue, result, chunk)

    def _give_up(self, item: WorkItem, plans: Sequence[TrialPlan], reason: str) -> None:
        assert item.environment is not None
        records = [not_run(plan, item.environment, "broken", reason, self._redact) for plan in plans]
        self.keep(*map(TrialResult, records))

    def _begin(self, queue: WorkQueue, result: WorkResult, chunk: int | None) -> None:
        """Stores what became of an environment, and fills its queue if it is available."""
        environment, slug = result.environment, queue.item.combination.slug
        waiting: list[TrialPlan] = []
        if result.status == "ran":
            planned = self._settings.plans(environment.name, tuple(environment.packages), queue.role)
            waiting = [plan for plan in planned if plan.key not in self._store.done]
            self._store.put_lock(environment.name, result.lock)
            earlier = self._rows.get(slug)
            # An environment that ran in an earlier part of this run stays one that ran.
            if not planned and (earlier is None or earlier.status != "ran"):
                why = why_nothing(environment.packages, self._settings.choice)
                result = replace(result, status="incompatible", reason=f"{why} in it")
        row = EnvironmentRow(
            name=environment.name,
            slug=slug,
            status=result.status,
            reason=result.reason,
            python=environment.python,
            packages=environment.packages,
            loop=environment.loop,
            redacted=dict(result.redacted),
        )
        with self._lock:
            self._queues[environment.name] = queue
            queue.fill(replace(queue.item, environment=environment, lock=result.lock), waiting, chunk)
            self._rows[slug] = row
            self._store.put_environments(row)
            self._listener.environment(slug, result.status, result.reason, len(waiting))
            if result.status == "ran" and not waiting:
                self._listener.environment_done(slug)


def _result(item: WorkItem, future: Future[WorkResult]) -> tuple[bool, WorkResult]:
    """Whether an executor has returned a result, and the result or why there is none."""
    try:
        return True, future.result()
    except MachineLost as error:
        return False, WorkResult(unprepared(item.combination), status="broken", reason=str(error))


def run(
    settings: RunSettings,
    store: Store,
    listener: RunListener,
    about: RunMeta,
    remote: RemoteExecution | None = None,
) -> tuple[str, ...]:
    """Runs until nothing is left to do, or until it is interrupted.

    Args:
        about: what `run.json` says of the run; its times are set here.
        remote: executes the work items; by default, threads of this process do.

    Returns:
        What trials needed and was gone, a sentence each; those trials are `broken`.

    Raises:
        StoreError: the run folder cannot be written.
        ServerError: the provider server cannot start.
        ExecutorUnavailable: no remote machine is left.
        CodeMismatch: a remote machine would run something else.
        KeyboardInterrupt: the run was interrupted; every child process has ended and what is stored is complete.
    """
    clock, earlier = time.perf_counter(), store.meta
    state = _Run(settings, store, listener)

    def note_run(finished: str | None) -> None:
        store.put_meta(
            replace(
                about,
                started=earlier.started if earlier else about.started,
                finished=finished,
                seconds=round((earlier.seconds if earlier else 0.0) + time.perf_counter() - clock, 3),
                trial_seconds=round((earlier.trial_seconds if earlier else 0.0) + covered(state.spans), 3),
            )
        )

    with _local(settings, state) if remote is None else _remote(remote) as execution:
        note_run(None)
        try:
            state.run(execution)
        except BaseException:
            state.stop()
            with suppress(StoreError):
                note_run(None)
            raise
        note_run(now())
    return tuple(state.losses)


@contextmanager
def _local(settings: RunSettings, state: _Run) -> Iterator[_Execution]:
    width = settings.environments_at_once
    with LocalExecutor(settings.cache) as executor, ThreadPoolExecutor(width) as threads:
        try:
            yield _Execution(threads, partial(executor.execute, on_result=state.keep), lambda: width)
        except BaseException:
            executor.stop()  # before the threads are joined, because they wait for their workers
            raise


@contextmanager
def _remote(remote: RemoteExecution) -> Iterator[_Execution]:
    yield _Execution(remote.executor, execute, remote.width, remote.chunk)


def default_width() -> tuple[int, int]:
    """Returns how many environments run at once, and how many trials in each.

    One environment more than there are cores, so that trials run while a worker imports; retries mostly wait.
    """
    cpus = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
    return cpus + 1, 2
