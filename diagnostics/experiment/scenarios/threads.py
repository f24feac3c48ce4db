"""`threads`: one client, and a loop in each of several threads at the same time."""

from __future__ import annotations

from diagnostics.experiment.program import END, Program, Stage, Together
from diagnostics.experiment.scenario import MISUSE, SHARED, Scenario


def play(stage: Stage) -> Program:
    """As many threads as the load has runs."""
    holder = stage.hold()
    yield Together(tuple(stage.batch(holder, run) for run in range(stage.load.runs)))
    yield END


SCENARIO = Scenario(
    "threads",
    "one client used by several threads, each with its own loop",
    play,
    in_order=False,
    provokes=MISUSE | SHARED,
)
