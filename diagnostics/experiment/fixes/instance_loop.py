"""`instance-loop`: every object keeps a loop of its own and never closes it."""

from __future__ import annotations

from diagnostics.experiment.fix import Fix, Main
from diagnostics.experiment.program import Holder


class InstanceLoop(Fix):
    """A persistent loop for each object that holds a client."""

    name = "instance-loop"
    trade_off = (
        "client and loop live and die together only if somebody closes both; left alone, the collector closes them"
    )

    def enter(self, holder: Holder, main: Main) -> None:
        """Every holder has its own loop."""
        self.enter_own_loop(holder, main)


FIX = InstanceLoop
