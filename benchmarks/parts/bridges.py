"""What one call costs over each bridge, from one thread and from eight, interleaved in one run.

All on one core: only one thread of Python runs at a time, and whether the scheduler gives the two threads of a call one
core or two changes any bridge's time by half, for minutes. A ratio is the median over the rounds, each against the same
round: what the machine does meanwhile falls on both.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
from contextlib import ExitStack

from benchmarks import ROOT
from benchmarks.bridges import BRIDGES, is_there
from benchmarks.bridges.pace import FLOOR
from benchmarks.figures import Bench, Figure, one_core

OURS = "async_tools"
PLAIN = "daemon thread"
ONE_THREAD_ONLY = ("asyncio.Runner, kept",)
"""Cannot be entered from two threads at once."""

ROUNDS = 15
CALLS = 400


def measure(bench: Bench) -> list[Figure]:
    """One process a bridge, asked in turn, so that what else the machine does falls on all of them alike."""
    figures: list[Figure] = []
    rounds = bench.count(ROUNDS)
    with one_core(), ExitStack() as stack:
        processes = {name: stack.enter_context(_pacing(name)) for name in (FLOOR, *filter(is_there, BRIDGES))}
        for threads in (1, 8):
            names = [name for name in processes if threads == 1 or name not in ONE_THREAD_ONLY]
            took: dict[str, list[float]] = {name: [] for name in names}
            for number in range(rounds):
                bench.say(f"{threads} caller thread{'s' if threads > 1 else ''}, round {number + 1} of {rounds}")
                for name in names:
                    took[name].append(_ask(processes[name], threads, max(10, CALLS // threads)))
            figures += _figures(threads, took)
        for process in processes.values():
            assert process.stdin is not None
            process.stdin.close()
    return figures


def _pacing(name: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "benchmarks.bridges.pace", name]
    return subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=ROOT
    )


def _ask(process: subprocess.Popen[str], threads: int, calls: int) -> float:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(f"{threads} {calls}\n")
    process.stdin.flush()
    return float(process.stdout.readline())


def _figures(threads: int, took: dict[str, list[float]]) -> list[Figure]:
    word = "1 thread" if threads == 1 else f"{threads} threads"
    middle = {name: statistics.median(values) for name, values in took.items()}
    rows = [
        Figure(f"{word}: {name}", f"{value / 1000:.1f} µs", _ratio(took[name], took[PLAIN]), PLAIN)
        for name, value in sorted(middle.items(), key=lambda item: item[1])
    ]
    goal = Figure(f"{word}: {OURS}", "", _ratio(took[OURS], took[PLAIN]), PLAIN, "at most 0.50")
    floor = Figure(f"{word}: {OURS}", "", _ratio(took[OURS], took[FLOOR]), "the floor", "at most 1.50")
    return [*rows, goal, floor]


def _ratio(mine: list[float], others: list[float]) -> float:
    return statistics.median(one / other for one, other in zip(mine, others, strict=True))
