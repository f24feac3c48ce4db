"""Renews what the published schemas say of our records, from the classes: `python -m tests.report.renew_schemas`.

What stands in a schema beside its records is written by hand and stays as it is. `test_schemas.py` fails where a schema
and the classes differ.
"""

from __future__ import annotations

import inspect
import json
import re
import types
import typing
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from diagnostics.model import cell, event, finding, trial
from diagnostics.model.words import FINDING_KINDS, SEVERITIES, STATUSES, SYMPTOMS, VERDICTS
from diagnostics.report.view import view_models
from diagnostics.runs import records
from tests.report.accepted import SCHEMAS, schema

RENEWED = ("findings-1", "trial-1", "view-1")
_WORDS = {"status": STATUSES, "symptom": SYMPTOMS, "verdict": VERDICTS, "severity": SEVERITIES, "kind": FINDING_KINDS}
_PLAIN = {str: "string", int: "integer", float: "number", bool: "boolean", type(None): "null"}
_CLASSES: dict[str, type[Any]] = {
    kind.__name__: kind
    for module in (view_models, records, trial, finding, event, cell)
    for kind in vars(module).values()
    if isinstance(kind, type) and is_dataclass(kind)
}
# A subject points at its environment, which is written once.
_BY_LABEL = {"type": "string", "pattern": "^E[0-9]+$", "description": "the label of one of environments"}
_OTHERWISE: Mapping[tuple[str, str], Any] = {("Subject", "environment"): _BY_LABEL}


def renewed(name: str) -> dict[str, Any]:
    """The schema of this name as the classes have it now."""
    found = schema(name)
    definitions: dict[str, Any] = {}
    if name == "view-1":
        made = _record(view_models.View, definitions)
        own = {"schema": found["properties"]["schema"], **made["properties"]}
        found |= {"required": list(own), "properties": own}
    for kind in found["$defs"]:
        if kind in _CLASSES:
            _reference(_CLASSES[kind], definitions)
    by_hand = {kind: said for kind, said in found["$defs"].items() if kind not in _CLASSES}
    return {**found, "$defs": dict(sorted({**by_hand, **definitions}.items()))}


def _reference(kind: type[Any], definitions: dict[str, Any]) -> dict[str, Any]:
    if kind.__name__ not in definitions:
        definitions[kind.__name__] = {}  # it may hold itself
        definitions[kind.__name__] = _record(kind, definitions)
    return {"$ref": f"#/$defs/{kind.__name__}"}


def _record(kind: type[Any], definitions: dict[str, Any]) -> dict[str, Any]:
    first, described = _told(kind)
    hints = typing.get_type_hints(kind)
    properties = {}
    for field in fields(kind):
        made = _OTHERWISE.get((kind.__name__, field.name)) or _type(hints[field.name], kind, field.name, definitions)
        tells = field.name in described and "$ref" not in made
        properties[field.name] = {**made, "description": described[field.name]} if tells else made
    return {"description": first, "type": "object", "required": list(properties), "properties": properties}


def _type(hint: Any, kind: type[Any], name: str, definitions: dict[str, Any]) -> dict[str, Any]:
    origin, parts = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        each = [_type(part, kind, name, definitions) for part in parts]
        if all(set(one) <= {"type", "minimum"} for one in each):
            return {**{k: v for one in each for k, v in one.items()}, "type": [one["type"] for one in each]}
        words = next((one["enum"] for one in each if "enum" in one), None)
        return {"enum": [*words, None]} if words is not None else {"anyOf": each}
    if origin is tuple:
        return {"type": "array", "items": _type(parts[0], kind, name, definitions)}
    if origin is not None:  # a mapping
        return {"type": "object", "additionalProperties": _type(parts[1], kind, name, definitions)}
    if is_dataclass(hint):
        return _reference(typing.cast("type[Any]", hint), definitions)
    if hint is str and name in _WORDS and (kind.__name__, name) != ("LoopFacts", "kind"):
        return {"enum": list(_WORDS[name])}
    return {"type": _PLAIN[hint], **({"minimum": 0} if hint in (int, float) else {})}


def _told(kind: type[Any]) -> tuple[str, dict[str, str]]:
    """The first paragraph of a docstring, and what it says of each attribute."""
    text = inspect.cleandoc(kind.__doc__ or "").replace("`", "")  # Python 3.13 takes off the indentation itself
    described: dict[str, str] = {}
    for found in re.finditer(r"(?m)^ {4}(\w+): (.*(?:\n {8,}\S.*)*)", text.partition("Attributes:")[2]):
        described[found[1]] = " ".join(found[2].split())
    return " ".join(text.split("\n\n")[0].split()), described


def main() -> None:
    """Writes the schemas that are made from classes."""
    for name in RENEWED:
        text = json.dumps(renewed(name), indent=1, ensure_ascii=False) + "\n"
        (SCHEMAS / f"{name}.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
