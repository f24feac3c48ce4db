"""Ten thousand trials through one worker and one server: the host's memory, descriptors and children along the way."""

from __future__ import annotations

import gc
import itertools
import time

import psutil

from benchmarks.figures import Bench, Figure
from diagnostics.lab.environments import prepare
from diagnostics.lab.execution.outcome import TrialPlan
from diagnostics.lab.execution.staging import stage_code
from diagnostics.lab.execution.worker import Worker
from diagnostics.lab.server import ProviderServer
from diagnostics.model.cell import Cell, Load

TRIALS = 10_000
FIRST = 100


def measure(bench: Bench) -> list[Figure]:
    """The host after 100 trials and after 10,000 of the smallest trial there is."""
    prepared = prepare(bench.combination, cache=bench.cache)
    provider = bench.combination.generation or "openai"
    cell = Cell(prepared.environment.name, provider, "repeated-run", "context-manager", Load(1, 1, 1, 0))
    last = max(FIRST * 2, bench.count(TRIALS))
    bench.say(f"{last} trials of {provider}")
    host = psutil.Process()
    open_before = host.num_fds()
    with ProviderServer() as server, Worker(prepared.python, stage_code(bench.cache), server) as worker:
        worker.probe(provider)
        played = worker.run((TrialPlan(cell, trial, "fork") for trial in range(last)), 2)
        early = _after(host, played, FIRST)
        late = _after(host, played, last - FIRST)
        children = len(host.children(recursive=True))
    return [
        Figure(f"memory of the host after {FIRST} trials", f"{early[0] / 2**20:.1f} MiB"),
        Figure(
            f"memory of the host after {last:,} trials",
            f"{late[0] / 2**20:.1f} MiB",
            late[0] / early[0],
            f"after {FIRST}",
            "flat",
        ),
        Figure(f"a trial, the first {FIRST}", f"{early[2] * 1000:.1f} ms"),
        Figure(
            f"a trial, the other {last - FIRST:,}",
            f"{late[2] * 1000:.1f} ms",
            late[2] / early[2],
            f"the first {FIRST}",
            "flat",
        ),
        Figure("descriptors of the host", f"{early[1]} then {late[1]}", goal="the same"),
        Figure("processes besides the worker", str(children - 1), goal="0"),
        Figure("descriptors left at the end", str(host.num_fds() - open_before), goal="0"),
        Figure("processes left at the end", str(len(host.children(recursive=True))), goal="0"),
    ]


def _after(host: psutil.Process, played: object, trials: int) -> tuple[int, int, float]:
    """Resident bytes, descriptors, and seconds a trial, once so many more trials have been played."""
    started = time.perf_counter()
    for _ in itertools.islice(played, trials):  # type: ignore[call-overload]
        pass
    seconds = (time.perf_counter() - started) / trials
    gc.collect()
    return host.memory_info().rss, host.num_fds(), seconds
