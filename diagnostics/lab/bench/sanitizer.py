"""What the sanitizer costs a program: CPU time of one loop under load, with and without, in turns."""

from __future__ import annotations

import json
import statistics
import subprocess
import tempfile
from pathlib import Path

from diagnostics.lab.bench.figures import Bench, Figure
from diagnostics.lab.environments import prepare
from diagnostics.lab.execution.inside import lay_out
from diagnostics.lab.execution.worker import clean_environment
from diagnostics.lab.server import ProviderServer

REQUESTS = 2000
CONCURRENCY = 50
ROUNDS = 5
WAYS = {
    "plain": "without anything",
    "watched": "under the sanitizer",
    "debug": "in asyncio's debug mode",
    "tracemalloc": "with tracemalloc, 25 frames",
}
"""As `diagnostics.worker.load` spells them, and as people do."""

TENTH = ("tracemalloc",)
"""So slow that a tenth of the requests tells enough; figures are for each request."""


def measure(bench: Bench) -> list[Figure]:
    """The middle CPU time a request of each way, against the plain one; they take turns, so that noise hits all."""
    prepared = prepare(bench.combination, cache=bench.cache)
    inside = lay_out(bench.cache)
    requests, provider = bench.count(REQUESTS), "openai"
    bench.say(f"{ROUNDS} rounds of {requests} requests, {CONCURRENCY} at once, in {len(WAYS)} ways")
    seconds: dict[str, list[float]] = {way: [] for way in WAYS}
    with ProviderServer() as server, tempfile.TemporaryDirectory() as home:
        for number in range(ROUNDS):
            for way in WAYS:
                name = f"{way}-{number}"
                calls = requests // 10 if way in TENTH else requests
                words = [way, provider, server.trial_url(name), str(calls), str(CONCURRENCY)]
                ran = subprocess.run(
                    [str(prepared.python), "-m", "diagnostics.worker.load", *words],
                    env=clean_environment(inside, server.ca_file, home),
                    cwd=Path(home),
                    capture_output=True,
                    check=True,
                )
                seconds[way].append(json.loads(ran.stdout)["cpu"] / calls)
                server.forget(name)
    plain = statistics.median(seconds["plain"])
    return [
        Figure(
            f"a request {what}",
            f"{1000 * statistics.median(seconds[way]):.2f} ms of CPU, "
            f"{1000 * min(seconds[way]):.2f} to {1000 * max(seconds[way]):.2f}",
            None if way == "plain" else statistics.median(seconds[way]) / plain,
            "" if way == "plain" else WAYS["plain"],
            "at most 1.05" if way == "watched" else "",
        )
        for way, what in WAYS.items()
    ]
