"""`none`: the baseline, the program as in the bug reports."""

from __future__ import annotations

from diagnostics.experiment.fix import Fix


class NoFix(Fix):
    """The baseline."""

    name = "none"
    trade_off = "no change: the baseline that every fix is compared with"


FIX = NoFix
