"""`abandoned-stream`: streamed answers are opened, read once, and left."""

from __future__ import annotations

from diagnostics.experiment.program import END, Program, Stage
from diagnostics.experiment.scenario import Scenario


def play(stage: Stage) -> Program:
    """One client; every call breaks out of its stream after the first piece, as a reader who has seen enough does."""
    holder = stage.hold()
    for run in range(stage.load.runs):
        yield stage.batch(holder, run, abandon=True)
    yield END


SCENARIO = Scenario("abandoned-stream", "streams are opened, read once and left, over several runs", play)
