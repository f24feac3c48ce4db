"""`gc-inside-run`: the client of an earlier run is collected while the next loop runs.

The moment is forced here with `gc.collect()`; in a person's program it is wherever the collector happens to start.
"""

from __future__ import annotations

import gc

from diagnostics.experiment.program import Program, Stage
from diagnostics.experiment.scenario import Scenario


def play(stage: Stage) -> Program:
    """Each holder is part of a reference cycle, so only the collection in the middle of the next run frees it."""
    for run in range(stage.load.runs):
        holder = stage.hold()
        holder.tie()
        yield stage.batch(holder, run, between=gc.collect)
        del holder


SCENARIO = Scenario("gc-inside-run", "an earlier client is collected while the next loop runs", play)
