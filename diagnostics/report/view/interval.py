"""How sure a share is that was counted in few trials."""

from __future__ import annotations

from math import sqrt
from typing import Final

Z95: Final = 1.959963984540054
"""The quantile of the normal distribution for an interval that holds 95 % of the time."""


def wilson(hits: int, trials: int, z: float = Z95) -> tuple[float, float]:
    """Wilson's score interval for a share: unlike the plain one it stays within 0 and 1, and is honest for few trials.

    Raises:
        ValueError: the hits are no part of the trials.
    """
    if not 0 <= hits <= trials:
        raise ValueError(f"{hits} of {trials} is no share")
    if trials == 0:
        return 0.0, 1.0
    share = hits / trials
    scale = 1 + z * z / trials
    middle = (share + z * z / (2 * trials)) / scale
    half = z / scale * sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials))
    # At both ends the exact bound is 0 or 1, and rounding would miss it.
    low = 0.0 if hits == 0 else max(0.0, middle - half)
    high = 1.0 if hits == trials else min(1.0, middle + half)
    return low, high


def in_words(hits: int, trials: int) -> str:
    """Such as `3 of 3 (44 to 100 %)`."""
    low, high = wilson(hits, trials)
    return f"{hits} of {trials} ({low:.0%} to {high:.0%})".replace("% to ", " to ").replace("%)", " %)")
