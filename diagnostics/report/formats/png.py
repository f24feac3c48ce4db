"""`plots/*.png`: the plots as PNG pictures, sharp enough for a screen."""

from __future__ import annotations

from collections.abc import Mapping

from diagnostics.report.formats.drawing import draw
from diagnostics.report.view.view_models import View


def render(view: View) -> Mapping[str, bytes]:
    """Each plot by the name of its file."""
    return draw(view, "png")
