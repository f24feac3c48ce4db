"""`view.json`: everything that any format may show, for programs; its form is `schemas/view-2.json`.

An environment is written once and pointed at by its label, however many subjects were played in it.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any, Final

from diagnostics.model.codec import encode
from diagnostics.report.view.view_models import View

FILE_NAME = "view.json"
SCHEMA: Final = "diagnostics.view/2"


def render(view: View) -> str:
    """The file's text."""
    return json.dumps(to_json(view), indent=1, ensure_ascii=True, allow_nan=False) + "\n"


def to_json(view: View) -> dict[str, Any]:
    """The object that `render` writes: the fields of the view in their order, after the name of the schema."""
    data = {"schema": SCHEMA, **asdict(view)}
    for subject in data["subjects"]:
        subject["environment"] = subject["environment"]["label"]
    for shown, timeline in zip(data["timelines"], view.timelines, strict=True):
        shown["events"] = [encode(event) for event in timeline.events]
    return data
