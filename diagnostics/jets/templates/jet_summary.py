"""`jet_summary`: what a physicist would compute first, and no constituent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diagnostics.jets.observables import charged, dispersion, width
from diagnostics.jets.prompt import Template

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def render(constituents: NDArray[np.float64]) -> str:
    """Six observables."""
    pt = constituents[:, 0]
    return "\n".join(
        [
            f"Constituents: {len(constituents)}",
            f"Charged among them: {charged(constituents)}",
            f"Transverse momentum: {pt.sum():.1f} GeV",
            f"Share of the hardest: {pt.max() / pt.sum():.4f}",
            f"Width (pT-weighted distance from the axis): {width(constituents):.4f}",
            f"Dispersion (root of the summed squares of pT over their sum): {dispersion(constituents):.4f}",
        ]
    )


TEMPLATE = Template("jet_summary", "multiplicity, width and momentum sharing, and no constituent", render)
