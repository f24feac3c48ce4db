"""`keep-references`: a client a run, and nothing is ever dropped."""

from __future__ import annotations

from diagnostics.experiment.program import END, Program, Stage
from diagnostics.experiment.scenario import Scenario


def play(stage: Stage) -> Program:
    """Every client stays referenced until the program ends, so the collector has nothing to find."""
    kept = []
    for run in range(stage.load.runs):
        kept.append(stage.hold())
        yield stage.batch(kept[-1], run)
    yield END


SCENARIO = Scenario("keep-references", "one client per run, all of them kept until the end", play)
