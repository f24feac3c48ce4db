"""`sequential-classifiers`: an object with a loop of its own and a lazy client, rebound for each configuration.

The program neither collects nor closes its loops. Whether and when the collector closes them depends on how much the
later configurations allocate.
"""

from __future__ import annotations

from diagnostics.experiment.program import END, Program, Stage
from diagnostics.experiment.scenario import Scenario


def play(stage: Stage) -> Program:
    """The new classifier exists before the old one is dropped, as in `classifier = Classifier(…)` inside a loop."""
    for run in range(stage.load.runs):
        classifier = stage.hold(own_loop=True)
        classifier.tie()
        yield stage.batch(classifier, run)
    yield END


SCENARIO = Scenario(
    "sequential-classifiers", "an object with its own loop and client, rebound for each configuration; no gc call", play
)
