"""`beam-search`: one `generate` a prompt, each with a client of its own, and parallel beams a step."""

from __future__ import annotations

from diagnostics.experiment.program import Batch, Program, Stage
from diagnostics.experiment.scenario import Scenario


def play(stage: Stage) -> Program:
    """The client is made by the function that starts the loop and dropped when the loop is closed."""
    holder = stage.hold("caller")
    beams = stage.load.concurrency
    for prompt in range(stage.load.runs):
        questions = stage.questions(prompt)
        steps = tuple(questions[first : first + beams] for first in range(0, len(questions), beams))
        yield Batch(holder, steps, beams)


SCENARIO = Scenario("beam-search", "parallel beams in each step; each prompt has a client of its own", play)
