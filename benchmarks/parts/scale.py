"""How far it goes: a million cells, simulated with what each step costs here, and what breaks first.

The steps are measured (a trial, a worker's first order, an environment, an order's way through dask, a line in the
store, a line in the report); the simulation gives out orders with the very lanes of a run, on a clock of its own.
"""

from __future__ import annotations

import heapq
import itertools
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple, Self, cast

import psutil

from benchmarks.figures import Bench, Figure
from benchmarks.parts.machines import machines
from diagnostics.experiment.fixes import FIXES
from diagnostics.experiment.providers import PROVIDERS
from diagnostics.experiment.scenarios import SCENARIOS
from diagnostics.lab.combination import Combination
from diagnostics.lab.environments import PreparedEnvironment, prepare
from diagnostics.lab.execution.local_executor import WARM
from diagnostics.lab.execution.outcome import TrialPlan, TrialResult, conclude, not_run
from diagnostics.lab.execution.staging import stage_code
from diagnostics.lab.execution.work import WorkItem, WorkResult
from diagnostics.lab.execution.worker import Worker
from diagnostics.lab.plan import Role
from diagnostics.lab.redactor import redactor
from diagnostics.lab.remote import cluster, needs_dask
from diagnostics.lab.run import RemoteExecution
from diagnostics.lab.server import ProviderServer
from diagnostics.lab.work_queue import WorkQueue, WorkQueues
from diagnostics.model.cell import Cell, Environment
from diagnostics.model.trial import Trial
from diagnostics.runs.writer import Store, new_meta

CELLS = 1_000_000
CELLS_EACH = len(PROVIDERS) * len(SCENARIOS) * len(FIXES)
CHUNK = RemoteExecution.chunk
HANDS = ((8, CHUNK), (64, CHUNK), (512, CHUNK), (512, 8 * CHUNK))
"""Cores, and trials an order."""

LOST_EVERY = 6 * 3600.0
"""Seconds that a hand lives in the simulation, on average: a machine that is taken away after some hours."""


@dataclass(frozen=True)
class Costs:
    """Seconds, each of one core.

    Attributes:
        trial: from the fork server.
        warm: a worker's start and first calls, in an environment that is there.
        build: an environment from the packages in uv's cache.
        order: an order to a worker and back, in the slowest process on the way.
        line: a trial on its way into the store.
        flush: whatever there is at the moment to the disk; not of a core but of the clock.
    """

    trial: float
    warm: float
    build: float
    order: float
    line: float
    flush: float


@dataclass(frozen=True)
class Simulated:
    """What a simulated run comes to; shares are of the whole time.

    Attributes:
        playing: share of the hands' time that went into trials whose outcome was stored.
        caller: share of the time in which the one who gives out orders was busy.
        lost: hands that were lost on the way.
    """

    seconds: float
    playing: float
    caller: float
    lost: int


def measure(bench: Bench) -> list[Figure]:
    """What a step costs here, and a million cells with that."""
    needs_dask()
    bench.say("measuring each step")
    costs, trials, large = _costs(bench)
    report_seconds, report_bytes = _report_costs(trials)
    environments = bench.count(CELLS // CELLS_EACH)
    figures = [
        Figure("a trial", f"{costs.trial * 1000:.0f} ms"),
        Figure("a worker's start and first calls", f"{costs.warm:.1f} s", costs.warm / costs.trial, "a trial"),
        Figure(
            "an environment, in an empty cache but uv's", f"{costs.build:.1f} s", costs.build / costs.trial, "a trial"
        ),
        Figure(
            f"an order of {CHUNK} trials through dask",
            f"{costs.order * 1000:.1f} ms",
            costs.order / costs.trial / CHUNK,
            "its trials",
        ),
        Figure(
            f"an order of {8 * CHUNK} trials", f"{large * 1000:.1f} ms", large / costs.trial / CHUNK / 8, "its trials"
        ),
        Figure("a line in the store", f"{costs.line * 1e6:.0f} µs", costs.line / costs.trial, "a trial"),
        Figure("a flush to the disk", f"{costs.flush * 1e3:.1f} ms", costs.flush / costs.trial, "a trial"),
        Figure("a trial in the report", f"{report_seconds * 1e6:.0f} µs, {report_bytes / 1024:.1f} KiB"),
    ]
    for hands, chunk in HANDS:
        bench.say(f"simulating {environments * CELLS_EACH:,} cells on {hands} cores")
        here = costs if chunk == CHUNK else replace(costs, order=large)
        found = simulate(here, environments=environments, cells=CELLS_EACH, hands=hands, chunk=chunk)
        figures.append(
            Figure(
                f"{environments * CELLS_EACH:,} cells on {hands:,} cores, {chunk} trials an order",
                f"{found.seconds / 3600:.2f} h; playing {found.playing:.0%}, caller {found.caller:.0%}, "
                f"{found.lost} cores lost",
            )
        )
    return figures


class _Plan(NamedTuple):
    """Stands for a trial: lanes ask for nothing but the key."""

    key: int


def simulate(
    costs: Costs,
    *,
    environments: int,
    cells: int,
    hands: int,
    chunk: int = CHUNK,
    lost_every: float = LOST_EVERY,
    seed: int = 1,
) -> Simulated:
    """Plays a run on a clock of its own: one caller, one after the other; hands that are lost and replaced."""
    dice = random.Random(seed)  # noqa: S311 - to be repeated, not to be secret
    queues = WorkQueues(list(_queues(environments)))
    stored: set[int] = set()
    numbers = itertools.count()
    warm: list[deque[WorkQueue]] = [deque(maxlen=WARM) for _ in range(hands)]
    built: list[set[WorkQueue]] = [set() for _ in range(hands)]
    free = [(0.0, hand) for hand in range(hands)]
    out: list[tuple[float, int, int, WorkQueue, WorkItem, bool]] = []
    clock = caller = busy = playing = 0.0
    lost = 0
    while True:
        while free and (found := queues.take()) is not None:
            since, hand = heapq.heappop(free)
            queue, item = found
            caller = max(caller, since) + costs.order
            busy += costs.order
            takes = len(item.plans) * costs.trial
            takes += 0 if queue in built[hand] else costs.build
            takes += 0 if queue in warm[hand] or not item.plans else costs.warm
            built[hand].add(queue)
            if item.plans and queue not in warm[hand]:
                warm[hand].append(queue)
            dies = dice.expovariate(1 / lost_every)
            heapq.heappush(out, (caller + min(takes, dies), next(numbers), hand, queue, item, dies < takes))
        if not out:
            return Simulated(clock, playing / clock / hands, busy / clock, lost)
        # As the run does it: whatever has come while the caller was busy is stored with one flush.
        until = max(caller, out[0][0])
        come = []
        while out and out[0][0] <= until:
            come.append(heapq.heappop(out))
        lines = sum(len(item.plans) for *_, item, died in come if not died)
        works = lines * costs.line + (costs.flush if lines else 0.0)
        caller, busy, playing = until + works, busy + works, playing + lines * costs.trial
        clock = max(clock, caller)
        for _, _, hand, queue, item, died in come:
            lost += died
            if died:
                warm[hand].clear()
                built[hand].clear()
            else:
                stored.update(cast("_Plan", plan).key for plan in item.plans)
            given_up = queue.settle(item, completed=not died, stored=cast("set[str]", stored))
            assert given_up is None, "a trial does not lose five workers"
            if not died and not item.plans:
                plans = [cast("TrialPlan", _Plan(next(numbers))) for _ in range(cells)]
                queue.fill(queue.item, plans, chunk)
            heapq.heappush(free, (caller, hand))


def _queues(environments: int) -> Iterator[WorkQueue]:
    for number in range(environments):
        yield WorkQueue(WorkItem(Combination("3.13", (("openai", str(number)),)), redactor, ""), Role.OTHER)


def _costs(bench: Bench) -> tuple[Costs, list[Trial], float]:
    prepared = prepare(bench.combination, cache=bench.cache)
    with tempfile.TemporaryDirectory(dir=bench.cache) as cache, _Cpu() as build:
        prepare(bench.combination, cache=Path(cache), offline=True)
    cells = [
        Cell(prepared.environment.name, "openai", scenario, fix)
        for scenario in ("repeated-run", "gc-inside-run", "unclosed-in-coroutine")
        for fix in ("none", "context-manager")
    ]
    plans = [TrialPlan(cell, trial, "fork") for trial in range(bench.count(20)) for cell in cells]
    with _Cpu() as warm:
        _play(bench, prepared, [])
    with _Cpu() as played:
        trials = _play(bench, prepared, plans)
    trial = (played.seconds - warm.seconds) / len(plans)
    order, large = (_order_cost(bench, prepared, trials, size) for size in (CHUNK, 8 * CHUNK))
    return Costs(trial, warm.seconds, build.seconds, order, *_store_costs(trials)), trials, large


class _Cpu:
    """Seconds of a core that this process and those that it waited for used while the block ran."""

    seconds = 0.0

    def __enter__(self) -> Self:
        self._before = self._now()
        return self

    def __exit__(self, *_: object) -> None:
        self.seconds = self._now() - self._before

    @staticmethod
    def _now() -> float:
        used = os.times()
        return used.user + used.system + used.children_user + used.children_system


def _play(bench: Bench, prepared: PreparedEnvironment, plans: list[TrialPlan]) -> list[Trial]:
    with ProviderServer() as server, Worker(prepared.python, stage_code(bench.cache), server) as worker:
        worker.probe("openai")
        clean = redactor(bench.cache)
        return [conclude(plan, prepared.environment, traces, clean) for plan, traces in worker.run(plans, 2)]


def echo(item: WorkItem) -> WorkResult:
    """Answers a work item as fast as anything can."""
    assert item.environment is not None
    why = "it was not played " * 20
    results = tuple(TrialResult(not_run(plan, item.environment, "broken", why, str)) for plan in item.plans)
    return WorkResult(item.environment, item.lock or "", results=results)


def _order_cost(bench: Bench, prepared: PreparedEnvironment, trials: list[Trial], size: int) -> float:
    """Seconds that an order of so many trials and its answer cost the caller or the scheduler, whichever is busier."""
    plans = tuple(
        TrialPlan(trial.cell, trial.trial, trial.mode) for trial in itertools.islice(itertools.cycle(trials), size)
    )
    item = WorkItem(bench.combination, redactor, "", prepared.lock, prepared.environment, plans)
    count = bench.count(400)
    with machines(1) as there, cluster(there.address) as remote:
        remote.executor.submit(echo, item).result()
        scheduler = psutil.Process(there.scheduler.pid)
        before = scheduler.cpu_times()
        with _Cpu() as caller:
            for _ in range(count):
                remote.executor.submit(echo, item).result()
        after = scheduler.cpu_times()
        return max(caller.seconds, after.user + after.system - before.user - before.system) / count


def _store_costs(trials: list[Trial]) -> tuple[float, float]:
    """Seconds for one line, and for a flush."""
    many = list(itertools.islice(itertools.cycle(trials), 200))
    with tempfile.TemporaryDirectory() as folder, Store(Path(folder)) as store:
        with _Cpu() as lines:
            store.append(*many)
        began = time.perf_counter()
        for trial in trials[:50]:
            store.append(trial)
        flush = (time.perf_counter() - began) / len(trials[:50])
    return lines.seconds / len(many), flush


def _report_costs(trials: list[Trial]) -> tuple[float, float]:
    """Seconds and bytes that one more trial costs who renders the report."""
    same = [replace(trial, trial=number) for number, trial in enumerate(itertools.islice(itertools.cycle(trials), 500))]
    few, many = (_render(same, environments) for environments in (2, 42))
    more = 40 * len(same)
    return (many[0] - few[0]) / more, (many[1] - few[1]) / more


def _render(trials: list[Trial], environments: int) -> tuple[float, float]:
    """Seconds and bytes of rendering a run that has the same trials in so many environments."""
    with tempfile.TemporaryDirectory() as folder:
        with Store(Path(folder)) as store:
            for number in range(environments):
                here = replace(trials[0].environment, name=f"e{number}")
                store.append(*(_moved(trial, here) for trial in trials))
            store.put_meta(new_meta((), "default"))
        command = [sys.executable, "-m", "diagnostics", "report", folder, "--format", "summary"]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise subprocess.CalledProcessError(process.returncode, command)
        return used.ru_utime + used.ru_stime, used.ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def _moved(trial: Trial, environment: Environment) -> Trial:
    cell = replace(trial.cell, environment=environment.name)
    key = cell.key(trial.trial, mode=trial.mode, instrumented=trial.instrumented)
    return replace(trial, environment=environment, cell=cell, key=key)
