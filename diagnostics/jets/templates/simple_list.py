"""`simple_list`: the constituents as they are in the file, one a line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diagnostics.jets.prompt import Template

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def render(constituents: NDArray[np.float64]) -> str:
    """One numbered line for each constituent."""
    return "Its constituents:\n" + "\n".join(
        f"{number}. pT = {pt:.2f} GeV, rapidity = {rapidity:.4f}, azimuth = {azimuth:.4f}, PDG id = {pdg:.0f}"
        for number, (pt, rapidity, azimuth, pdg) in enumerate(constituents, 1)
    )


TEMPLATE = Template("simple_list", "every constituent as it is in the file, one a line", render)
