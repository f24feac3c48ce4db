"""Programs with a fault: how many get a proven patch? `python -m benchmarks fix --help` has options of its own."""

from __future__ import annotations

from benchmarks.figures import Bench, Figure
from benchmarks.fixes import generated, patches
from benchmarks.fixes.corpus import with_twins, written
from benchmarks.fixes.figures import summary
from benchmarks.fixes.running import fixed, proven
from benchmarks.fixes.surroundings import surroundings

TRIALS = 20


def measure(bench: Bench) -> list[Figure]:
    """Runs `fix` on the first programs of the corpus, and `prove` on the first changes."""
    logs = bench.cache / "fixes" / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    programs = with_twins([*written(), *generated.programs()])
    changes = [*patches.wrong(programs), *patches.right(programs)]
    with surroundings() as around:
        outcomes = [fixed(each, around, TRIALS, logs) for each in programs[: bench.count(len(programs))]]
        outcomes += [proven(each, around, TRIALS, logs) for each in changes[: bench.count(len(changes))]]
    return [Figure(what, value, goal=goal) for what, value, goal in summary(outcomes)]
