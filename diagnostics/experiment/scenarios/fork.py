"""`fork`: a client that has open connections is inherited by a forked child, and used on both sides."""

from __future__ import annotations

from diagnostics.experiment.program import END, InChild, Program, Stage
from diagnostics.experiment.scenario import MISUSE, SHARED, Scenario


def play(stage: Stage) -> Program:
    """The parent runs, every further run happens in a child, and the parent runs again."""
    holder = stage.hold()
    yield stage.batch(holder, 0)
    for run in range(1, stage.load.runs):
        yield InChild(stage.batch(holder, run))
    yield stage.batch(holder, stage.load.runs)
    yield END


SCENARIO = Scenario(
    "fork",
    "a client with open connections is used on both sides of a fork",
    play,
    needs_fork=True,
    provokes=MISUSE | SHARED | {"ChildProcessError"},
)
