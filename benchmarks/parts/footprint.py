"""What the sanitizer keeps and how long it takes to start: memory for a live connection, and what is left of it."""

from __future__ import annotations

import json
import statistics
import subprocess
import tempfile
from pathlib import Path

from benchmarks import ROOT
from benchmarks.figures import Bench, Figure
from diagnostics.lab.environments import prepare
from diagnostics.lab.execution.staging import stage_code
from diagnostics.lab.execution.worker import clean_environment
from diagnostics.lab.server import ProviderServer

ROUNDS = 5
CONNECTIONS = (20, 90)
"""Live at once. What one takes is the difference: each call site is kept once, however many objects share it."""


def measure(bench: Bench) -> list[Figure]:
    """The middle of several new interpreters."""
    prepared = prepare(bench.combination, cache=bench.cache)
    inside = stage_code(bench.cache)
    rounds = bench.count(ROUNDS)
    bench.say(f"{rounds} interpreters with {CONNECTIONS[0]} connections, as many with {CONNECTIONS[1]}")
    found: dict[int, list[dict[str, float]]] = {connections: [] for connections in CONNECTIONS}
    with ProviderServer() as server, tempfile.TemporaryDirectory() as home:
        for _ in range(rounds):
            for connections in CONNECTIONS:
                words = ["footprint", "openai", server.trial_url("footprint"), "0", str(connections)]
                ran = subprocess.run(
                    [str(prepared.python), str(ROOT / "benchmarks" / "load.py"), *words],
                    env=clean_environment(inside, server.ca_file, home),
                    cwd=Path(home),
                    capture_output=True,
                    check=True,
                )
                found[connections].append(json.loads(ran.stdout))
                server.forget("footprint")
    start = [1000 * each["start"] for runs in found.values() for each in runs]
    return [
        Figure(
            "importing and installing it",
            f"{statistics.median(start):.1f} ms of CPU, {min(start):.1f} to {max(start):.1f}",
            goal="under 30 ms",
        ),
        Figure("memory for a live connection", f"{_each(found, 'held'):.0f} bytes", goal="under 2 kB"),
        Figure("memory for one that is gone", f"{_each(found, 'left'):.0f} bytes", goal="none"),
    ]


def _each(found: dict[int, list[dict[str, float]]], what: str) -> float:
    """Bytes that one connection more makes."""
    few, many = (statistics.median(each[what] for each in found[connections]) for connections in CONNECTIONS)
    number = [found[connections][0]["connections"] for connections in CONNECTIONS]
    return (many - few) / (number[1] - number[0])
