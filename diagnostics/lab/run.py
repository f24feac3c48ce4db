"""A run: has environments prepared and their trials played, and stores each trial as it ends.

    run(settings, store, listener, about)                here, in threads
    run(settings, store, listener, about, elsewhere)     wherever an executor carries out orders

What there is to do is kept in lanes, one an environment; whoever is free gets the next order of the lane that fewest
are at. Every trial is stored by this process, and only once, so whatever stops the run or a machine of it loses at most
the trials in flight.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from typing import Protocol

from diagnostics.lab.combination import Combination
from diagnostics.lab.environments import unprepared
from diagnostics.lab.execution.local_executor import ExecutorStopped, LocalExecutor, execute
from diagnostics.lab.execution.outcome import TrialPlan, TrialResult, missing
from diagnostics.lab.execution.work import MachineLost, Redact, WorkItem, WorkResult, covered, fingerprint
from diagnostics.lab.plan import Profile, Role, Selection, plans, why_nothing
from diagnostics.lab.work_queue import WorkQueue, WorkQueues
from diagnostics.model.trial import Trial
from diagnostics.runs.records import EnvironmentRow, RunMeta
from diagnostics.runs.writer import Store, StoreError, now


class RunListener(Protocol):
    """Told what happens, from several threads, one call at a time."""

    def environment(self, slug: str, status: str, reason: str | None, trials: int) -> None:
        """An environment is ready (`ran`) with this many trials to go, or cannot be."""

    def trial(self, trial: Trial) -> None:
        """A trial was stored."""

    def environment_done(self, slug: str) -> None:
        """All trials of an environment are stored."""


@dataclass(frozen=True)
class RunSettings:
    """What a run is to do.

    Attributes:
        combinations: each with its role in the plan.
        redactor: makes, from a machine's cache folder, what takes secrets and that machine's names out of a text;
            applied on the machine where a trial ran, before anything is sent or stored.
        environments_at_once: prepared and played at the same time.
        trials_at_once: in flight in each of them.
        timeout: seconds a trial may take.
        memory: bytes of address space a trial may use; 0 is no limit.
    """

    combinations: Sequence[tuple[Combination, Role]]
    profile: Profile
    choice: Selection
    cache: Path
    redactor: Callable[[Path], Redact]
    offline: bool = False
    environments_at_once: int = 2
    trials_at_once: int = 2
    timeout: float = 30.0
    memory: int = 8 * 2**30

    def plans(self, name: str, installed: Sequence[str], role: Role) -> list[TrialPlan]:
        """The trials of one environment, as `plan.plans` has them."""
        return plans(name, installed, self.profile, self.choice, role=role, can_fork=hasattr(os, "fork"))


@dataclass(frozen=True)
class RemoteExecution:
    """Other processes that carry out orders, on this machine or another.

    Attributes:
        executor: of any kind; what is submitted to it can be pickled.
        width: how many orders it has hands for, now.
        chunk: trials an order: as many are lost, and played again, when somebody is lost.
    """

    executor: Executor
    width: Callable[[], int]
    chunk: int = 8


class _Run:
    """What the threads of one run share."""

    def __init__(self, settings: RunSettings, store: Store, listener: RunListener) -> None:
        self.settings = settings
        # On with what an earlier part of this run has noted: its trials are here, whatever is asked for now.
        self.environments = {row.slug: row for row in store.environments.values()}
        self.spans: list[tuple[float, float]] = []
        self._clean = settings.redactor(settings.cache)
        self._store = store
        self._listener = listener
        self._lock = threading.Lock()
        self._over = False
        self._lanes: dict[str, WorkQueue] = {}

    def stop(self) -> None:
        """Keeps nothing from now on."""
        with self._lock:
            self._over = True

    def play(
        self,
        executor: Executor,
        execute: Callable[[WorkItem], WorkResult],
        width: Callable[[], int],
        chunk: int | None,
    ) -> None:
        """Gives out orders until nothing is left to do, and stores what they bring back."""
        lanes = WorkQueues(
            [WorkQueue(self._order(combination), role) for combination, role in self.settings.combinations]
        )
        running: dict[Future[WorkResult], tuple[WorkQueue, WorkItem]] = {}
        ended: SimpleQueue[Future[WorkResult]] = SimpleQueue()
        try:
            while True:
                while len(running) < max(1, width()) and (found := lanes.next()) is not None:
                    future = executor.submit(execute, found[1])
                    running[future] = found
                    future.add_done_callback(ended.put)
                if not running:
                    return
                # All that has come meanwhile goes to the disk in one piece: what costs there is the flush.
                come = [ended.get()]
                while not ended.empty():
                    come.append(ended.get())
                self._settle([(*running.pop(future), future) for future in come], chunk)
        except BaseException:
            for future in running:
                future.cancel()
            raise

    def keep(self, *results: TrialResult) -> None:
        """Stores trials; those that are stored already are not stored again.

        Raises:
            ExecutorStopped: the run is over.
        """
        with self._lock:
            if self._over:
                raise ExecutorStopped
            named = {result.trial.key: result for result in results}
            fresh = [result for key, result in named.items() if key not in self._store.done]
            if not fresh:
                return
            for result in fresh:
                if result.timeline:
                    self._store.put_timeline(result.trial.key, result.timeline)
            new = [result.trial for result in fresh]
            self._store.append(*new)
            for trial in new:
                lane = self._lanes[trial.environment.name]
                lane.left -= 1
                self._listener.trial(trial)
                if lane.left == 0:
                    self._listener.environment_done(lane.order.combination.slug)

    def _order(self, combination: Combination) -> WorkItem:
        settings = self.settings
        return WorkItem(
            combination,
            settings.redactor,
            fingerprint(),
            at_once=settings.trials_at_once,
            timeout=settings.timeout,
            memory=settings.memory,
            offline=settings.offline,
        )

    def _settle(self, come: Sequence[tuple[WorkQueue, WorkItem, Future[WorkResult]]], chunk: int | None) -> None:
        """Stores what orders have brought back, and gives them back to their lanes."""
        answers = [(lane, order, *_answer(order, future)) for lane, order, future in come]
        self.spans += [span for *_, done in answers for span in done.playing]
        self.keep(*(result for *_, done in answers for result in done.results))
        for lane, order, answered, done in answers:
            given_up = lane.settle(order, answered=answered, stored=self._store.done)
            if order.environment is not None:
                why = done.reason or "nobody played it"
                self.keep(
                    *(
                        TrialResult(missing(plan, order.environment, "broken", why, self._clean))
                        for plan in given_up or ()
                    )
                )
            elif answered or given_up is not None:
                self._begin(lane, done, chunk)

    def _begin(self, lane: WorkQueue, done: WorkResult, chunk: int | None) -> None:
        """Notes what became of an environment, and fills its lane if it is ready."""
        name, slug, todo = done.environment.name, lane.order.combination.slug, []
        if done.status == "ran":
            planned = self.settings.plans(name, tuple(done.environment.packages), lane.role)
            todo = [plan for plan in planned if plan.key not in self._store.done]
            self._store.put_lock(name, done.lock)
            # Where an earlier part of this run has tried something, it ran.
            earlier = self.environments.get(slug)
            if not planned and (earlier is None or earlier.status != "ran"):
                why = why_nothing(done.environment.packages, self.settings.choice)
                done = replace(done, status="incompatible", reason=f"{why} in it")
        with self._lock:
            self._lanes[name] = lane
            lane.begin(replace(lane.order, environment=done.environment, lock=done.lock), todo, chunk)
            row = EnvironmentRow(
                name=name,
                slug=slug,
                status=done.status,
                reason=done.reason,
                python=done.environment.python,
                packages=done.environment.packages,
                loop=done.environment.loop,
                redacted=dict(done.redacted),
            )
            self.environments[slug] = row
            self._store.put_environments(row)
            self._listener.environment(slug, done.status, done.reason, len(todo))
            if done.status == "ran" and not todo:
                self._listener.environment_done(slug)


def _answer(order: WorkItem, future: Future[WorkResult]) -> tuple[bool, WorkResult]:
    """What became of an order, and whether anybody said so."""
    try:
        return True, future.result()
    except MachineLost as error:
        return False, WorkResult(unprepared(order.combination), status="broken", reason=str(error))


def run(
    settings: RunSettings,
    store: Store,
    listener: RunListener,
    about: RunMeta,
    elsewhere: RemoteExecution | None = None,
) -> None:
    """Plays a run to its end, or until it is interrupted.

    Args:
        about: what `run.json` says of the run; its times are set here.
        elsewhere: who carries out orders; threads of this process by default.

    Raises:
        StoreError: the disk refuses.
        ServerError: the provider server cannot start.
        ExecutorUnavailable: nobody is left elsewhere.
        Unlike: somebody elsewhere would play something else.
        KeyboardInterrupt: the run was interrupted; every child is gone and what was stored is whole.
    """
    clock, earlier = time.perf_counter(), store.meta
    shared = _Run(settings, store, listener)

    def note_run(finished: str | None) -> None:
        store.put_meta(
            replace(
                about,
                started=earlier.started if earlier else about.started,
                finished=finished,
                seconds=round((earlier.seconds if earlier else 0.0) + time.perf_counter() - clock, 3),
                trial_seconds=round((earlier.trial_seconds if earlier else 0.0) + covered(shared.spans), 3),
            )
        )

    with ExitStack() as stack:
        if elsewhere is None:
            station = stack.enter_context(LocalExecutor(settings.cache))
            pool = stack.enter_context(ThreadPoolExecutor(settings.environments_at_once))
            stack.push(lambda kind, *_: station.stop() if kind else None)
            play = partial(
                shared.play,
                pool,
                partial(station.execute, keep=shared.keep),
                lambda: settings.environments_at_once,
                None,
            )
        else:
            play = partial(shared.play, elsewhere.executor, execute, elsewhere.width, elsewhere.chunk)
        note_run(None)
        try:
            play()
        except BaseException:
            shared.stop()
            with suppress(StoreError):
                note_run(None)
            raise
        note_run(now())


def default_width() -> tuple[int, int]:
    """Environments at once and trials at once in each.

    One environment more than there are cores, so that trials go on while a worker imports; retries mostly wait.
    """
    cpus = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
    return cpus + 1, 2
