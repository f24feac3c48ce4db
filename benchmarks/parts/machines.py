"""Workers of a dask scheduler that are killed and frozen while a run is played on them; what is lost, what comes twice.

Everything is on loopback and in processes of its own. The moments come from a seed: after so many stored trials.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import random
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.figures import Bench, Figure
from diagnostics.lab.combination import Combination
from diagnostics.lab.plan import PROFILES, Role, Selection, plans
from diagnostics.lab.redactor import redactor
from diagnostics.lab.remote import cluster, needs_dask
from diagnostics.lab.run import RunSettings, run
from diagnostics.model.cell import Load
from diagnostics.model.trial import Trial
from diagnostics.runs.reader import read_environments, stored_trials
from diagnostics.runs.writer import Store, new_meta

if TYPE_CHECKING:
    from multiprocessing.context import ForkServerProcess

KILLS = 24
WORKERS = 3
APART = (12, 24)
"""Stored trials from one loss to the next, at least and at most: about what a new worker needs to begin."""

SILENCE = 10.0


def measure(bench: Bench) -> list[Figure]:
    """A run on three workers, of which one after the other is killed and one in six frozen instead."""
    needs_dask()
    kills = bench.count(KILLS)
    bench.say(f"{WORKERS} workers, {kills} of them lost, and a new one for each")
    with tempfile.TemporaryDirectory() as folder, machines(WORKERS) as there:
        began = time.perf_counter()
        counted = play_and_kill(bench.combination, bench.cache, Path(folder), there, kills=kills, seed=1)
        seconds = time.perf_counter() - began
    return [
        Figure("workers lost in the middle", f"{counted.killed} killed, {counted.frozen} frozen"),
        Figure("trials planned", str(counted.asked)),
        Figure("trials missing", str(counted.asked - counted.stored), goal="0"),
        Figure("trials stored twice", str(counted.twice), goal="0"),
        Figure("trials without an outcome", str(counted.broken), goal="0"),
        Figure("seconds for each worker lost, all told", f"{seconds / max(1, kills):.1f} s"),
    ]


@dataclass
class Counted:
    """What became of a run whose workers were lost."""

    asked: int
    killed: int = 0
    frozen: int = 0
    stored: int = 0
    twice: int = 0
    broken: int = 0


def play_and_kill(
    combination: Combination, cache: Path, folder: Path, there: Machines, *, kills: int, seed: int
) -> Counted:
    """Plays the smallest trial there is often enough for so many kills, and counts what is in the store afterwards."""
    dice = random.Random(seed)  # noqa: S311 - to be repeated, not to be secret
    moments = [dice.randint(*APART) for _ in range(kills)]
    each = sum(moments) // 2 + WORKERS * 8
    choice = Selection(
        (combination.generation or "openai",), ("repeated-run",), ("context-manager",), each, load=Load(1, 1, 1, 0)
    )
    settings = RunSettings([(combination, Role.LEAD)], PROFILES["smoke"], choice, cache, redactor, offline=True)
    killer = Killer(there, moments, dice)
    with Store(folder) as store, cluster(there.address, silence=SILENCE) as remote:
        run(settings, store, killer, new_meta((), "smoke"), remote)
    (row,) = read_environments(folder)
    trials = stored_trials(folder)
    times = Counter(trial.key for trial in trials)
    asked = {plan.key for plan in plans(row.name, tuple(row.packages), settings.profile, choice, role=Role.LEAD)}
    killer.counted.asked = len(asked)
    killer.counted.stored = len(asked & set(times))
    killer.counted.twice = times.total() - len(times) + len(set(times) - asked)
    killer.counted.broken = sum(trial.status != "ran" for trial in trials)
    return killer.counted


@dataclass
class Killer:
    """Listens to a run, and takes a worker out whenever its next moment has come."""

    there: Machines
    moments: list[int]
    dice: random.Random
    counted: Counted = field(default_factory=lambda: Counted(0))

    def environment(self, slug: str, status: str, reason: str | None, trials: int) -> None:
        """Nothing to do."""

    def trial(self, trial: Trial) -> None:  # noqa: ARG002 - of the protocol
        """Counts, and kills or freezes when it is time."""
        if not self.moments:
            return
        self.moments[0] -= 1
        if self.moments[0] > 0:
            return
        self.moments.pop(0)
        victim = self.dice.randrange(len(self.there.workers))
        if self.dice.random() < 1 / 6:
            self.counted.frozen += 1
            self.there.replace(victim, signal.SIGSTOP)
        else:
            self.counted.killed += 1
            self.there.replace(victim, signal.SIGKILL)

    def environment_done(self, slug: str) -> None:
        """Nothing to do."""


class Machines:
    """A scheduler and workers, each a process, all on loopback; see `machines`."""

    def __init__(self, count: int) -> None:
        # Forked from a process that has imported dask, so that a new worker is there at once; this one has threads.
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(["distributed", "diagnostics.lab.execution.local_executor"])
        self._ended: list[ForkServerProcess] = []
        reader, writer = self._context.Pipe(duplex=False)
        self.scheduler = self._context.Process(target=_scheduler, args=(writer,), daemon=True)
        self.scheduler.start()
        self.address: str = reader.recv()
        self.workers = [self._worker() for _ in range(count)]

    def _worker(self) -> ForkServerProcess:
        process = self._context.Process(target=_worker, args=(self.address,), daemon=True)
        process.start()
        return process

    def replace(self, number: int, by: signal.Signals | None) -> None:
        """Sends a signal to a worker, if any, and starts another one in its place."""
        process = self.workers[number]
        if by is not None and process.pid is not None:
            os.kill(process.pid, by)
        self._ended.append(process)
        self.workers[number] = self._worker()

    def close(self) -> None:
        """Kills everything, frozen or not."""
        for process in (*self.workers, *self._ended, self.scheduler):
            process.kill()
        for process in (*self.workers, *self._ended, self.scheduler):
            process.join()


@contextmanager
def machines(count: int) -> Iterator[Machines]:
    """A scheduler on loopback with so many workers of one thread each, for as long as the block lasts."""
    there = Machines(count)
    try:
        yield there
    finally:
        there.close()


def _scheduler(writer: Any) -> None:
    from distributed import Scheduler  # noqa: PLC0415 - an extra

    async def serve() -> None:
        async with Scheduler(host="127.0.0.1", port=0, dashboard=False) as scheduler:
            writer.send(scheduler.address)
            await scheduler.finished()

    _quiet()
    asyncio.run(serve())


def _worker(address: str) -> None:
    from distributed import Worker  # noqa: PLC0415 - an extra

    async def serve(folder: str) -> None:
        async with Worker(address, nthreads=1, host="127.0.0.1", local_directory=folder) as worker:
            await worker.finished()

    _quiet()
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(serve(folder))


def _quiet() -> None:
    import logging  # noqa: PLC0415

    logging.getLogger("distributed").setLevel(logging.CRITICAL)
