"""What a scenario is: a name, a sentence, and a generator of the steps of a person's program."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from diagnostics.experiment.program import Program, Stage


@dataclass(frozen=True)
class Scenario:
    """An order of events that provokes the error.

    Attributes:
        summary: what the program does, in a sentence.
        play: yields the steps; what stands between two steps happens between them, outside any loop unless the
            arrangement put the whole program inside one.
        needs_fork: it cannot be played where `os.fork` does not exist.
    """

    name: str
    summary: str
    play: Callable[[Stage], Program]
    needs_fork: bool = False
