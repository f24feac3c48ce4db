"""What looking at a release costs a bisection when its environment is there already.

The trials of this fix end at once, without an error and so without the pauses before retries: what is left
is the lock, the worker, its imports and the server.
"""

from __future__ import annotations

import statistics
import time

from benchmarks.figures import Bench, Figure
from diagnostics.lab.bisection.cell import CellRunner
from diagnostics.lab.bisection.evaluate import Evaluator
from diagnostics.lab.bisection.pinning import Pinning
from diagnostics.lab.bisection.releases import Release, read_releases
from diagnostics.lab.bisection.scope import scope
from diagnostics.model.cell import Load
from diagnostics.model.libraries import SEARCHED
from diagnostics.model.limits import Limits

PACKAGE = "openai"
FIX = "single-run"
RELEASES = 12
TRIALS = 3


def measure(bench: Bench) -> list[Figure]:
    """Looks at releases over the whole range twice, and times the second look: the first has filled the cache."""
    python = bench.combination.python
    releases = read_releases(PACKAGE, cache=bench.cache, offline=False)
    every = scope(PACKAGE, releases, python=python, first=SEARCHED[PACKAGE].first).candidates
    few = every[:: max(1, len(every) // bench.count(RELEASES))]
    runner = CellRunner(PACKAGE, "repeated-run", FIX, Load(), "fork", Limits(), bench.cache, str)
    pinning = Pinning(PACKAGE, python, SEARCHED[PACKAGE].requirements)
    evaluator = Evaluator(pinning, runner, pool=None, cache=bench.cache, trials=TRIALS, offline=False, redact=str)
    bench.say(f"{len(few)} of {len(every)} releases of {PACKAGE}, prepared, then looked at")
    told = [release for release in few if evaluator.evaluate(release).outcome is not None]
    if not told:
        return [Figure("a look at a release", "none of them can tell")]
    seconds = [_look(evaluator, release) for release in told]
    return [
        Figure(
            "a look at a release", f"{statistics.median(seconds):.2f} s, at most {max(seconds):.2f}", goal="under 4 s"
        ),
        Figure("releases that could tell", f"{len(told)} of {len(few)}"),
    ]


def _look(evaluator: Evaluator, release: Release) -> float:
    started = time.perf_counter()
    evaluator.evaluate(release)
    return time.perf_counter() - started
