"""`unclosed-in-coroutine`: every coroutine makes its client and never closes it."""

from __future__ import annotations

from diagnostics.experiment.program import Program, Stage
from diagnostics.experiment.scenario import Scenario


def play(stage: Stage) -> Program:
    """The client is a local variable, so it dies as its coroutine ends, moments before the loop closes."""
    holder = stage.hold("coroutine")
    for run in range(stage.load.runs):
        yield stage.batch(holder, run)


SCENARIO = Scenario("unclosed-in-coroutine", "a client made in the coroutine and never closed", play)
