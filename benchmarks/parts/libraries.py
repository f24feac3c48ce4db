"""What the sanitizer adds to other libraries of asyncio: to a query, a command, a connection, a cancellation."""

from __future__ import annotations

import statistics
import subprocess
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks import ROOT
from benchmarks.figures import Bench, Figure
from diagnostics.lab.environments import find_interpreter, uv
from diagnostics.lab.server.installed import InstalledServers, NotInstalledError

PACKAGES: Final = ("asyncpg==0.32.0", "redis==8.1.0")
ROUNDS: Final = 5
WAYS: Final = ("plain", "instrumented")


@dataclass(frozen=True)
class Measurement:
    """One operation of `benchmarks.operations`.

    Attributes:
        count: how often it is done.
        server: that it needs, in `SERVERS`.
        most: the highest ratio, or the most that is added.
        unit: of what is added; empty where the ratio counts.
        scaled: whether `count` depends on the scale.
    """

    what: str
    count: int
    server: str = ""
    most: float = 0
    unit: str = ""
    scaled: bool = True


OPERATIONS: Final = {
    "asyncpg": Measurement("a query of asyncpg over a pool of 10", 20_000, "postgresql", 1.03),
    "redis": Measurement("a command of Redis", 20_000, "redis", 1.03),
    "connection": Measurement("a connection, both ends", 5_000, most=15, unit="µs"),
    "cancellation": Measurement("a cancellation", 50_000, most=1, unit="µs"),
    "holder": Measurement("naming who holds 3 connections of a million objects", 3, most=0.3, unit="s", scaled=False),
}


def measure(bench: Bench) -> list[Figure]:
    """The two ways take turns, so noise hits both."""
    found = find_interpreter(bench.combination.python)
    assert found is not None  # `bench` chose a Python of this machine
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        home = Path(folder)
        uv.run("venv", "--quiet", "--python", str(found.path), str(home / "environment"), cwd=home)
        python = home / "environment" / "bin" / "python"
        done = uv.run("pip", "install", "--quiet", "--python", str(python), *PACKAGES, cwd=home)
        if done.returncode:
            return [Figure("libraries", f"the libraries cannot be installed: {uv.problem(done.stderr)}")]
        servers = stack.enter_context(InstalledServers())
        return [_figure(bench, python, servers, name, each) for name, each in OPERATIONS.items()]


def _figure(bench: Bench, python: Path, servers: InstalledServers, name: str, what: Measurement) -> Figure:
    try:
        address = servers.url(what.server) if what.server else "-"
    except NotInstalledError as error:
        return Figure(what.what, str(error))
    bench.say(what.what)
    count = bench.count(what.count) if what.scaled else what.count
    rounds = []
    for number in range(ROUNDS):
        order = WAYS if number % 2 else reversed(WAYS)
        rounds.append({way: microseconds(python, way, name, address, count) for way in order})
    plain = statistics.median(each["plain"] for each in rounds)
    if not what.unit:
        ratios = [each["instrumented"] / each["plain"] for each in rounds]
        value = f"{plain:.0f} µs; {min(ratios):.2f} to {max(ratios):.2f}"
        return Figure(what.what, value, statistics.median(ratios), "plain", f"at most {what.most}")
    size = {"µs": 1, "s": 1e6}[what.unit]
    added = sorted((each["instrumented"] - each["plain"]) / size for each in rounds)
    value = f"{statistics.median(added):.2f} {what.unit} more; {added[0]:.2f} to {added[-1]:.2f}"
    return Figure(what.what, value, goal=f"at most {what.most} {what.unit}")


def microseconds(python: Path, way: str, operation: str, address: str, count: int) -> float:
    """CPU time of each operation in a process of its own."""
    with tempfile.NamedTemporaryFile() as journal:
        command = [str(python), "-m", "benchmarks.operations", way, operation, address, str(count), journal.name]
        ran = subprocess.run(command, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=True)
    return float(ran.stdout)
