"""Trials from the fork server against trials in new interpreters: the same cells, everything on one core."""

from __future__ import annotations

import time
from collections.abc import Iterable

from benchmarks.figures import Bench, Figure, one_core
from diagnostics.lab.environments import prepare
from diagnostics.lab.execution.outcome import TrialPlan, conclude
from diagnostics.lab.execution.staging import stage_code
from diagnostics.lab.execution.worker import Worker
from diagnostics.lab.server import ProviderServer
from diagnostics.model.cell import Cell, Environment, Load
from diagnostics.model.verdict import level

SCENARIOS = ("repeated-run", "gc-inside-run", "unclosed-in-coroutine")
FIXES = ("none", "context-manager")
LOAD = Load(runs=2, calls=2, concurrency=1)
PROVIDERS = ("openai", "anthropic", "google-genai")
AT_ONCE = 4
"""In both ways, so that a retry that waits does not leave the core idle."""


def measure(bench: Bench) -> list[Figure]:
    """Seconds a trial in both ways, and how many cells come out alike."""
    prepared = prepare(bench.combination, cache=bench.cache)
    cells = [
        Cell(prepared.environment.name, provider, scenario, fix, LOAD)
        for provider in PROVIDERS
        for scenario in SCENARIOS
        for fix in FIXES
    ]
    forked, cold = bench.count(20), bench.count(4)
    bench.say(f"{len(cells)} cells, {forked} forked and {cold} cold trials of each")
    with one_core(), ProviderServer() as server, Worker(prepared.python, stage_code(bench.cache), server) as worker:
        for provider in PROVIDERS:
            worker.probe(provider)
        fork_seconds, fork_levels = _play(worker, prepared.environment, cells, forked, "fork")
        cold_seconds, cold_levels = _play(worker, prepared.environment, cells, cold, "cold")
    alike = sum(fork_levels[cell] & cold_levels[cell] != set() for cell in cells)
    return [
        Figure("a trial in a new interpreter", f"{cold_seconds * 1000:.0f} ms"),
        Figure(
            "a trial from the fork server",
            f"{fork_seconds * 1000:.0f} ms",
            cold_seconds / fork_seconds,
            "throughput of new interpreters",
            "at least 20",
        ),
        Figure("cells with the same outcome in both", f"{alike} of {len(cells)}", goal="all"),
    ]


def _play(
    worker: Worker, environment: Environment, cells: Iterable[Cell], trials: int, mode: str
) -> tuple[float, dict[Cell, set[str]]]:
    plans = [TrialPlan(cell, trial, mode) for trial in range(trials) for cell in cells]
    seen: dict[Cell, set[str]] = {}
    started = time.perf_counter()
    for plan, traces in worker.run(plans, AT_ONCE):
        trial = conclude(plan, environment, traces, str)
        seen.setdefault(plan.cell, set()).add(level(trial).name if trial.symptom else trial.status)
    return (time.perf_counter() - started) / len(plans), seen
