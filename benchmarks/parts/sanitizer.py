"""What the sanitizer costs a program: CPU time of one loop under load, with and without, in turns."""

from __future__ import annotations

import json
import statistics
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks import ROOT
from benchmarks.figures import Bench, Figure
from diagnostics.lab.environments import prepare, uv
from diagnostics.lab.execution.staging import stage_code
from diagnostics.lab.execution.worker import clean_environment
from diagnostics.lab.server import ProviderServer

REQUESTS = 2000
CONCURRENCY = 50
ROUNDS = 5
WAYS = {
    "plain": "without anything",
    "instrumented": "under the sanitizer",
    "debug": "in asyncio's debug mode",
    "pyleak": "under pyleak, with the stacks where tasks are created",
    "tracemalloc": "with tracemalloc, 25 frames",
}
"""As `benchmarks.load` spells them, and as people do."""

TENTH = ("tracemalloc", "pyleak")
"""So slow that a tenth of the requests tells enough; figures are for each request."""

PYLEAK = "pyleak==0.2.0"
GOAL = "at most 1.05"


def measure(bench: Bench) -> list[Figure]:
    """CPU time a request of each way, against the plain one of the same round; they take turns, so noise hits all."""
    prepared = prepare(bench.combination, cache=bench.cache)
    inside = stage_code(bench.cache)
    with ProviderServer() as server, tempfile.TemporaryDirectory() as home:
        ways = [way for way in WAYS if way != "pyleak" or _pyleak(prepared.python, Path(home), bench)]
        variables = clean_environment(inside, server.ca_file, home)
        load = _Load(prepared.python, server, variables, Path(home))
        return _seconds(bench, load, ways)


class _Load:
    """Runs `benchmarks.load`."""

    def __init__(self, python: Path, server: ProviderServer, variables: dict[str, str], home: Path) -> None:
        self.server = server
        self.variables = variables
        self.home = home
        self._python = python

    def command(self, way: str, provider: str, requests: int, concurrency: int) -> list[str]:
        url = self.server.trial_url("load")
        words = [way, provider, url, str(requests), str(concurrency)]
        return [str(self._python), str(ROOT / "benchmarks" / "load.py"), *words]

    def seconds(self, way: str, requests: int) -> float | None:
        """CPU seconds a request; `None` where the slow way made the client's own timeouts end the program."""
        variables = dict(self.variables)
        if way == "pyleak":
            variables["PYTHONPATH"] += f":{self.home / 'pyleak'}"
        command = self.command(way, "openai", requests, CONCURRENCY)
        ran = subprocess.run(command, env=variables, cwd=self.home, capture_output=True, check=way not in TENTH)
        self.server.forget("load")
        if ran.returncode:
            return None
        found: float = json.loads(ran.stdout)["cpu"] / requests
        return found


def _seconds(bench: Bench, load: _Load, ways: Sequence[str]) -> list[Figure]:
    requests = bench.count(REQUESTS)
    bench.say(f"{ROUNDS} rounds of {requests} requests, {CONCURRENCY} at once, in {len(ways)} ways")
    seconds: dict[str, list[float | None]] = {way: [] for way in ways}
    for number in range(ROUNDS):
        for way in ways if number % 2 else reversed(ways):
            seconds[way].append(load.seconds(way, max(2, requests // 10) if way in TENTH else requests))
    return [_figure(way, seconds[way], seconds["plain"]) for way in ways]


def _figure(way: str, seconds: Sequence[float | None], plain: Sequence[float | None]) -> Figure:
    pairs = [(mine, of) for mine, of in zip(seconds, plain, strict=True) if mine is not None and of is not None]
    if not pairs:
        return Figure(f"a request {WAYS[way]}", "too slow on this machine: the client's timeouts ended it")
    middle, ratios = statistics.median(mine for mine, _ in pairs), [mine / of for mine, of in pairs]
    if way == "plain":
        return Figure(f"a request {WAYS[way]}", f"{1000 * middle:.2f} ms of CPU")
    return Figure(
        f"a request {WAYS[way]}",
        f"{1000 * middle:.2f} ms of CPU; ratio {min(ratios):.2f} to {max(ratios):.2f}",
        statistics.median(ratios),
        WAYS["plain"],
        GOAL if way == "instrumented" else "",
    )


def _pyleak(python: Path, home: Path, bench: Bench) -> bool:
    """Installs pyleak in a folder of its own: nothing of it is in the environment that the other ways run in."""
    target = ("--python", str(python), "--target", str(home / "pyleak"))
    done = uv.run("pip", "install", "--quiet", "--only-binary", ":all:", *target, PYLEAK, cwd=home)
    if done.returncode:
        bench.say(f"without pyleak: {uv.problem(done.stderr)}")
    return not done.returncode
