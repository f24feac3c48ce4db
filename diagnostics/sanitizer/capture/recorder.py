"""The instrument that findings are made of: it keeps facts."""

from __future__ import annotations

import contextlib

from diagnostics.sanitizer.capture.facts import Fact
from diagnostics.sanitizer.capture.instruments import Instrument


class Recorder(Instrument):
    """The facts of this process, in the order in which they happened."""

    def __init__(self) -> None:
        self.facts: list[Fact] = []

    def fact(self, fact: Fact) -> None:
        """Keeps the fact."""
        self.facts.append(fact)

    def fact_withdrawn(self, fact: Fact) -> None:
        """Drops the fact, unless it belongs to the parent of this process."""
        with contextlib.suppress(ValueError):
            self.facts.remove(fact)

    def forked(self) -> None:
        """Starts over: what the parent did is reported by the parent."""
        self.facts.clear()


RECORDER = Recorder()
