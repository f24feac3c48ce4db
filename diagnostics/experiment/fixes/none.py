"""`none`: the baseline, the program as the bug reports have it."""

from __future__ import annotations

from diagnostics.experiment.fix import Fix


class NoFix(Fix):
    """The baseline."""

    name = "none"
    trade_off = "nothing is changed: what every other arrangement is measured against"


FIX = NoFix
