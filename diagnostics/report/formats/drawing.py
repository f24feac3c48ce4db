"""Plots as pictures; says in one line what to install where the libraries for it are missing."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Literal

from diagnostics.extras import install
from diagnostics.report.view.view_models import View

FOLDER = "plots"
"""Where pictures are put, within a run folder."""

SCALE = 2.0
"""Pixels for each unit of a plot: sharp on a screen of today, and still small enough to attach."""


class NotDrawn(Exception):
    """Pictures cannot be made here; the message is one line and says what to do."""


def draw(view: View, kind: Literal["png", "svg"]) -> Mapping[str, bytes]:
    """Each plot as a file of this kind, by its name.

    Raises:
        NotDrawn: the libraries are not installed.
    """
    try:
        from diagnostics.report.formats.plots import charts  # noqa: PLC0415 - a second that only plots are to cost
    except ImportError as error:
        raise NotDrawn(f"plots need {error.name}: {install('plots')}") from None
    pictures = {}
    for name, chart in charts(view).items():
        picture = io.BytesIO() if kind == "png" else io.StringIO()
        try:
            chart.save(picture, format=kind, scale_factor=SCALE if kind == "png" else 1)
        except ImportError as error:
            why = f"plots need vl-convert: {install('plots')}"
            raise NotDrawn(why) from error
        content = picture.getvalue()
        pictures[f"{name}.{kind}"] = content if isinstance(content, bytes) else content.encode()
    return pictures
