"""What the sanitizer adds to a request: client library x TLS x concurrency, in instructions and in CPU time."""

from __future__ import annotations

import json
import statistics
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import ROOT, instructions
from benchmarks.answering import answering
from benchmarks.figures import Bench, Figure
from diagnostics.lab.environments import find_interpreter, uv
from diagnostics.lab.execution.staging import stage_code
from diagnostics.lab.execution.worker import clean_environment

LIBRARIES = {"httpx": "httpx==0.28.1", "httpx2": "httpx2==2.16.2", "aiohttp": "aiohttp==3.14.5"}
CONCURRENCY = (1, 50, 400)
REQUESTS = 2000
COUNTED = 400
"""Requests whose instructions are counted."""

ROUNDS = 5
MANY = 20_000
"""Requests after which memory is measured."""

WAYS = ("plain", "instrumented")
GOAL = "at most 1.05"


@dataclass(frozen=True)
class _Clients:
    """Runs `benchmarks.http_client`."""

    python: Path
    variables: dict[str, str]
    home: Path

    def command(self, way: str, library: str, url: str, requests: int, concurrency: int) -> list[str]:
        journal = self.home / "journal"
        journal.write_bytes(b"")
        words = [way, library, url, str(requests), str(concurrency), str(journal)]
        return [str(self.python), str(ROOT / "benchmarks" / "http_client.py"), *words]

    def run(self, *arguments: Any) -> dict[str, float]:
        command = self.command(*arguments)
        ran = subprocess.run(command, env=self.variables, cwd=self.home, capture_output=True, check=True)
        found: dict[str, float] = json.loads(ran.stdout)
        return found


def measure(bench: Bench) -> list[Figure]:
    """Ratios to the plain program; the two take turns, so noise hits both."""
    found = find_interpreter(bench.combination.python)
    assert found is not None  # `bench` chose a Python of this machine
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        uv.run("venv", "--quiet", "--python", str(found.path), str(home / "environment"), cwd=home)
        python = home / "environment" / "bin" / "python"
        done = uv.run("pip", "install", "--quiet", "--python", str(python), *LIBRARIES.values(), cwd=home)
        if done.returncode:
            return [Figure("requests", f"the client libraries cannot be installed: {uv.problem(done.stderr)}")]
        with answering(home) as (urls, authority):
            clients = _Clients(python, clean_environment(stage_code(bench.cache), authority, folder), home)
            for library in LIBRARIES:
                for case, url in urls.items():
                    for concurrency in CONCURRENCY:
                        bench.say(f"{library}, {case}, {concurrency} at once")
                        name = f"{library}, {case}, {concurrency} at once"
                        figures.append(_cpu(bench, clients, name, (library, url), concurrency))
                        figures.append(_counted(bench, clients, name, (library, url), concurrency))
            figures += _memory(bench, clients, urls["no TLS"])
    return figures


def _cpu(bench: Bench, clients: _Clients, name: str, what: tuple[str, str], concurrency: int) -> Figure:
    requests = max(concurrency, bench.count(REQUESTS))
    rounds = []
    for number in range(ROUNDS):
        order = WAYS if number % 2 else reversed(WAYS)
        rounds.append({way: clients.run(way, *what, requests, concurrency)["cpu"] for way in order})
    ratios = [each["instrumented"] / each["plain"] for each in rounds]
    middle = statistics.median(each["instrumented"] for each in rounds)
    value = f"{middle:.0f} µs; {min(ratios):.2f} to {max(ratios):.2f}"
    return Figure(f"CPU time: {name}", value, statistics.median(ratios), "plain", GOAL)


def _counted(bench: Bench, clients: _Clients, name: str, what: tuple[str, str], concurrency: int) -> Figure:
    if not instructions.available():
        return Figure(f"instructions: {name}", "needs valgrind")
    requests = max(concurrency, bench.count(COUNTED))
    counts = {
        (way, times): instructions.count(
            clients.command(way, *what, times * requests, concurrency), clients.variables, clients.home
        )
        for way in WAYS
        for times in (1, 3)  # switching callgrind on and off counts, too: the difference has requests only
    }
    if None in counts.values():
        return Figure(f"instructions: {name}", "callgrind did not count them")
    plain, instrumented = ((counts[way, 3] or 0) - (counts[way, 1] or 0) for way in WAYS)
    value = f"{instrumented / 2 / requests / 1e6:.3f} million"
    return Figure(f"instructions: {name}", value, instrumented / plain, "plain", GOAL)


def _memory(bench: Bench, clients: _Clients, url: str) -> list[Figure]:
    many = bench.count(MANY)
    bench.say(f"{many} requests, for memory")
    figures = []
    for library in LIBRARIES:
        for requests in (many // 10, many):
            plain, instrumented = (clients.run(way, library, url, requests, 50) for way in WAYS)
            more = (instrumented["resident"] - plain["resident"]) / 1024
            value = f"{more:+.1f} MiB; journal {instrumented['journal']:.0f} bytes"
            figures.append(Figure(f"memory: {library}, {requests} requests", value))
    return figures
