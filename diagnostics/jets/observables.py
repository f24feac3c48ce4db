"""What is computed of a jet: axis, width, dispersion, charge. Pure functions of (constituents, 4), as `data` says.

Definitions: CMS, "Performance of quark/gluon discrimination in 8 TeV pp data", CMS-PAS-JME-13-002 (multiplicity, width,
pT dispersion).
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]

CHARGED: Final = (11, 13, 211, 321, 2212)
"""PDG ids, without their sign, of the charged particles that live long enough to be seen."""


def relative(constituents: Numbers) -> tuple[Numbers, Numbers, Numbers]:
    """Share of the jet's pT, and rapidity and azimuth from its axis, of each constituent.

    The axis is the pT-weighted mean; azimuths are measured from the hardest constituent first, so that a jet across
    2 pi is not torn apart.
    """
    pt, rapidity, azimuth = constituents[:, 0], constituents[:, 1], constituents[:, 2]
    share = pt / pt.sum()
    from_hardest = (azimuth - azimuth[np.argmax(pt)] + np.pi) % (2 * np.pi) - np.pi
    return share, rapidity - share @ rapidity, from_hardest - share @ from_hardest


def width(constituents: Numbers) -> float:
    """The pT-weighted mean distance from the axis."""
    share, rapidity, azimuth = relative(constituents)
    return float(share @ np.hypot(rapidity, azimuth))


def dispersion(constituents: Numbers) -> float:
    """1 where one constituent has all the pT, near 0 where many share it."""
    pt = constituents[:, 0]
    return float(np.sqrt(np.square(pt).sum()) / pt.sum())


def charged(constituents: Numbers) -> int:
    """How many constituents carry charge."""
    return int(np.isin(np.abs(constituents[:, 3]), CHARGED).sum())
