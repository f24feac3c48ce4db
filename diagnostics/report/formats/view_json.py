"""`view.json`: everything that any format may show, for programs; its form is `schemas/view-2.json`.

An environment is written once and pointed at by its label, however many subjects were played in it.
"""

from __future__ import annotations

import json
from dataclasses import asdict, fields
from typing import Any, Final

from diagnostics.model.codec import encode
from diagnostics.report.view.view_models import FixOutcome, Subject, Timeline, View

FILE_NAME = "view.json"
SCHEMA: Final = "diagnostics.view/2"


def render(view: View) -> str:
    """The file's text."""
    return json.dumps(to_json(view), indent=1, ensure_ascii=True, allow_nan=False) + "\n"


def to_json(view: View) -> dict[str, Any]:
    """The object that `render` writes: the fields of the view in their order, after the name of the schema."""
    special: dict[str, Any] = {
        "subjects": [_subject(subject) for subject in view.subjects],
        "timelines": [_timeline(timeline) for timeline in view.timelines],
    }
    return {"schema": SCHEMA} | {
        field.name: special[field.name] if field.name in special else _plain(getattr(view, field.name))
        for field in fields(view)
    }


def _plain(value: Any) -> Any:
    if isinstance(value, tuple | list):
        return [_plain(each) for each in value]
    if hasattr(value, "__dataclass_fields__"):
        return asdict(value)
    return dict(value) if hasattr(value, "items") else value


def _subject(subject: Subject) -> dict[str, Any]:
    return {
        "environment": subject.environment.label,
        "provider": subject.provider,
        "generation": subject.generation,
        "scenario": subject.scenario,
        "load": encode(subject.load),
        "baseline": _result(subject.baseline) if subject.baseline is not None else None,
        "fixes": [_result(result) for result in subject.fixes],
    }


def _result(result: FixOutcome) -> dict[str, Any]:
    return {
        **{field.name: _plain(getattr(result, field.name)) for field in fields(result)},
        "symptoms": dict(result.symptoms),
    }


def _timeline(timeline: Timeline) -> dict[str, Any]:
    return {**_head(timeline), "events": [encode(event) for event in timeline.events]}


def _head(timeline: Timeline) -> dict[str, Any]:
    return {field.name: getattr(timeline, field.name) for field in fields(timeline) if field.name != "events"}
