"""`particle_table`: a Markdown table relative to the jet's axis, with the particles' names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from diagnostics.jets.observables import relative
from diagnostics.jets.prompt import Template

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_NAMES: Final = {
    11: "electron",
    -11: "positron",
    13: "muon",
    -13: "antimuon",
    22: "photon",
    130: "K0L",
    211: "pi+",
    -211: "pi-",
    310: "K0S",
    321: "K+",
    -321: "K-",
    2112: "neutron",
    -2112: "antineutron",
    2212: "proton",
    -2212: "antiproton",
}


def render(constituents: NDArray[np.float64]) -> str:
    """A row for each constituent; a particle that has no name here is shown by its PDG id."""
    fraction, rapidity, azimuth = relative(constituents)
    rows = (
        f"| {_NAMES.get(int(pdg), int(pdg))} | {z:.5f} | {dy:.4f} | {dphi:.4f} |"
        for pdg, z, dy, dphi in zip(constituents[:, 3], fraction, rapidity, azimuth, strict=True)
    )
    head = "| particle | share of the jet's pT | rapidity from axis | azimuth from axis |\n|---|---|---|---|\n"
    return head + "\n".join(rows)


TEMPLATE = Template("particle_table", "a table of named particles, relative to the axis and pT of the jet", render)
