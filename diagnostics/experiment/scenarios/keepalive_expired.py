"""`keepalive-expired`: the server drops idle connections between the runs."""

from __future__ import annotations

from diagnostics.experiment.program import END, Program, Stage
from diagnostics.experiment.scenario import Scenario


def play(stage: Stage) -> Program:
    """The pool of the next run finds connections that are dead and belong to another loop."""
    holder = stage.hold()
    for run in range(stage.load.runs):
        if run:
            stage.drop_idle()
        yield stage.batch(holder, run)
    yield END


SCENARIO = Scenario("keepalive-expired", "one client; the server drops idle connections between the runs", play)
