"""A scenario: a name, a sentence, and a generator of the steps of a user's program."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from diagnostics.experiment.program import Program, Stage


@dataclass(frozen=True)
class Scenario:
    """An order of events that provokes the error.

    Attributes:
        summary: what the program does, in a sentence.
        play: yields the steps. Code between two `yield` runs between the two steps, outside any loop unless the fix
            runs the whole program in one.
        needs_fork: it needs `os.fork`.
    """

    name: str
    summary: str
    play: Callable[[Stage], Program]
    needs_fork: bool = False
