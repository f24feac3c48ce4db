"""`json_lines`: one JSON object for each constituent, as data for a model that was trained on code."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from diagnostics.jets.prompt import Template

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def render(constituents: NDArray[np.float64]) -> str:
    """One object a line."""
    return "\n".join(
        json.dumps(
            {
                "pt_gev": round(float(pt), 3),
                "rapidity": round(float(rapidity), 4),
                "azimuth": round(float(azimuth), 4),
                "pdg_id": int(pdg),
            }
        )
        for pt, rapidity, azimuth, pdg in constituents
    )


TEMPLATE = Template("json_lines", "every constituent as a JSON object, one a line", render)
