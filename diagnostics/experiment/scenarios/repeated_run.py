"""`repeated-run`: one client at module level, several `asyncio.run`."""

from __future__ import annotations

from diagnostics.experiment.program import END, Program, Stage
from diagnostics.experiment.scenario import Scenario


def play(stage: Stage) -> Program:
    """Every run uses the one client."""
    holder = stage.hold()
    for run in range(stage.load.runs):
        yield stage.batch(holder, run)
    yield END


SCENARIO = Scenario("repeated-run", "one client is used in several successive asyncio.run calls", play)
