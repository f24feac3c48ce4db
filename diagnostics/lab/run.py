"""A run: prepares the environments, plays their trials, and stores each as it ends.

    run(settings, store, listener)

Environments go through an `Executor`; each has its own worker, which plays a few trials at a time. Every trial is
stored by this process as it ends, so whatever stops the run loses at most the trials in flight.
"""

from __future__ import annotations

import os
import platform
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor, as_completed
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from diagnostics.lab.combination import Combination
from diagnostics.lab.environments import EnvironmentProblem, PreparedEnvironment, prepare, unprepared
from diagnostics.lab.execution.inside import lay_out
from diagnostics.lab.execution.outcome import TrialPlan, conclude, missing
from diagnostics.lab.execution.worker import Worker, WorkerLost
from diagnostics.lab.plan import Choice, Profile, Role, plans
from diagnostics.lab.server import ProviderServer
from diagnostics.lab.store import ENVIRONMENTS, RUN, Store, StoreError, dump, now
from diagnostics.model.cell import Environment
from diagnostics.model.trial import Trial

WORKER_LIVES = 3
"""How often a worker is started for one environment before its remaining trials are given up."""


class Listener(Protocol):
    """Told what happens, from several threads, one call at a time."""

    def environment(self, slug: str, status: str, reason: str | None, trials: int) -> None:
        """An environment is ready (`ran`) with this many trials to go, or cannot be."""

    def trial(self, trial: Trial) -> None:
        """A trial was stored."""

    def environment_done(self, slug: str) -> None:
        """All trials of an environment are stored."""


@dataclass(frozen=True)
class Settings:
    """What a run is to do.

    Attributes:
        combinations: each with its role in the plan.
        redact: takes secrets and this machine's names out of a text; applied before anything is stored.
        environments_at_once: prepared and played at the same time.
        trials_at_once: in flight in each of them.
        timeout: seconds a trial may take.
        memory: bytes of address space a trial may use; 0 is no limit.
    """

    combinations: Sequence[tuple[Combination, Role]]
    profile: Profile
    choice: Choice
    cache: Path
    redact: Callable[[str], str]
    offline: bool = False
    environments_at_once: int = 2
    trials_at_once: int = 2
    timeout: float = 30.0
    memory: int = 8 * 2**30


@dataclass
class _Busy:
    """How long at least one trial was in flight."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    running: int = 0
    since: float = 0.0
    seconds: float = 0.0

    @contextmanager
    def playing(self) -> Iterator[None]:
        with self.lock:
            if self.running == 0:
                self.since = time.perf_counter()
            self.running += 1
        try:
            yield
        finally:
            with self.lock:
                self.running -= 1
                if self.running == 0:
                    self.seconds += time.perf_counter() - self.since


class _Stopped(Exception):
    """The run was interrupted; what is stored is stored."""


class _Run:
    """What the threads of one run share."""

    def __init__(self, settings: Settings, store: Store, listener: Listener, server: ProviderServer) -> None:
        self.settings = settings
        self.server = server
        self.inside = lay_out(settings.cache)
        self.busy = _Busy()
        # On with what an earlier part of this run has noted: its trials are here, whatever is asked for now.
        self.environments = {row["slug"]: row for row in store.read(ENVIRONMENTS, [])}
        self._store = store
        self._listener = listener
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._workers: set[Worker] = set()

    def stop(self) -> None:
        """Ends every worker and with it every trial."""
        with self._lock:
            self._stopped.set()
            workers = list(self._workers)
        for worker in workers:
            worker.kill()

    def play(self, combination: Combination, role: Role) -> None:
        """One environment from its lock to its last trial."""
        if self._stopped.is_set():
            return
        try:
            prepared = prepare(combination, cache=self.settings.cache, offline=self.settings.offline)
        except EnvironmentProblem as problem:
            self._note(
                combination.slug, unprepared(combination), problem.status, self.settings.redact(problem.reason), 0
            )
            return
        todo = [
            plan
            for plan in plans(
                prepared.environment.name,
                tuple(prepared.environment.packages),
                self.settings.profile,
                self.settings.choice,
                role=role,
                can_fork=hasattr(os, "fork"),
            )
            if plan.key not in self._store.done
        ]
        self._store.write(f"environments/{prepared.environment.name}.txt", prepared.lock)
        self._note(combination.slug, prepared.environment, "ran", None, len(todo))
        try:
            self._play_trials(prepared, todo)
        except _Stopped:
            return
        with self._lock:
            self._listener.environment_done(combination.slug)

    def _play_trials(self, prepared: PreparedEnvironment, todo: list[TrialPlan]) -> None:
        left = {plan.key: plan for plan in todo}
        why = ""
        for _ in range(WORKER_LIVES):
            if not left:
                return
            try:
                with self._worker(prepared) as worker:
                    self._play_with(worker, prepared.environment, left)
            except WorkerLost as error:
                if self._stopped.is_set():
                    raise _Stopped from None
                why = str(error)
        for plan in list(left.values()):
            self._keep(missing(plan, prepared.environment, "broken", self.settings.redact(why)), left)

    @contextmanager
    def _worker(self, prepared: PreparedEnvironment) -> Iterator[Worker]:
        settings = self.settings
        with Worker(
            prepared.python,
            self.inside,
            self.server,
            loop=prepared.environment.loop,
            timeout=settings.timeout,
            memory=settings.memory,
        ) as worker:
            with self._lock:
                if self._stopped.is_set():
                    raise _Stopped
                self._workers.add(worker)
            try:
                yield worker
            finally:
                with self._lock:
                    self._workers.discard(worker)

    def _play_with(self, worker: Worker, environment: Environment, left: dict[str, TrialPlan]) -> None:
        for provider in dict.fromkeys(plan.cell.provider for plan in left.values()):
            status, reason = worker.probe(provider)
            if status != "ran":
                for plan in [plan for plan in left.values() if plan.cell.provider == provider]:
                    self._keep(missing(plan, environment, status, self.settings.redact(reason or "")), left)
        with self.busy.playing():
            for plan, traces in worker.run(list(left.values()), self.settings.trials_at_once):
                self._keep(conclude(plan, environment, traces, self.settings.redact), left)

    def _keep(self, trial: Trial, left: dict[str, TrialPlan]) -> None:
        with self._lock:
            if self._stopped.is_set():
                raise _Stopped
            self._store.append(trial)
            del left[trial.key]
            self._listener.trial(trial)

    def _note(self, slug: str, environment: Environment, status: str, reason: str | None, trials: int) -> None:
        with self._lock:
            self.environments[slug] = {
                "name": environment.name,
                "slug": slug,
                "status": status,
                "reason": reason,
                "python": environment.python,
                "packages": environment.packages,
            }
            self._store.write(ENVIRONMENTS, dump(list(self.environments.values())))
            self._listener.environment(slug, status, reason, trials)


def run(
    settings: Settings, store: Store, listener: Listener, about: dict[str, Any], executor: Executor | None = None
) -> None:
    """Plays a run to its end, or until it is interrupted.

    Args:
        about: what `run.json` says of the run besides what is measured here.
        executor: where environments are played; threads of this process by default.

    Raises:
        StoreError: the disk refuses.
        ServerError: the provider server cannot start.
        KeyboardInterrupt: the run was interrupted; every child is gone and what was stored is whole.
    """
    clock, earlier = time.perf_counter(), store.read(RUN, {})
    started = earlier.get("started") or now()
    with ProviderServer() as server, executor or ThreadPoolExecutor(settings.environments_at_once) as pool:
        shared = _Run(settings, store, listener, server)

        def note_run(finished: str | None) -> None:
            store.write(
                RUN,
                dump(
                    {
                        "schema": "diagnostics.run/1",
                        "started": started,
                        "finished": finished,
                        "machine": {
                            "system": platform.system(),
                            "cpus": os.cpu_count(),
                            "python": platform.python_version(),
                        },
                        **about,
                        "seconds": round(earlier.get("seconds", 0.0) + time.perf_counter() - clock, 3),
                        "trial_seconds": round(earlier.get("trial_seconds", 0.0) + shared.busy.seconds, 3),
                    }
                ),
            )

        note_run(None)
        futures = [pool.submit(shared.play, combination, role) for combination, role in settings.combinations]
        try:
            for future in as_completed(futures):
                future.result()
        except BaseException:
            for future in futures:
                future.cancel()
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
