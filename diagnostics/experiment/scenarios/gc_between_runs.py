"""`gc-between-runs`: a client a run, deleted and collected outside any loop."""

from __future__ import annotations

import gc

from diagnostics.experiment.program import Program, Stage
from diagnostics.experiment.scenario import Scenario


def play(stage: Stage) -> Program:
    """The collector finds each client after its loop is closed and before the next one starts."""
    for run in range(stage.load.runs):
        holder = stage.hold()
        yield stage.batch(holder, run)
        del holder
        gc.collect()


SCENARIO = Scenario("gc-between-runs", "one client per run; del and gc.collect() outside any loop", play)
