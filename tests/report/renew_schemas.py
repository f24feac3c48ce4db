"""Renews what the published schemas say of our records, from the classes: `python -m tests.report.renew_schemas`.

What a schema holds beside its records is written by hand and stays as it is. `test_schemas.py` fails where a schema and
the classes differ.
"""

from __future__ import annotations

import inspect
import json
import re
import types
import typing
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from typing import Any

from diagnostics.model import bisection, cell, event, finding, machine, trial
from diagnostics.model.codec import encode
from diagnostics.model.field_types import SIGNED
from diagnostics.model.words import FINDING_KINDS, SEVERITIES, STATUSES, SYMPTOMS, VERDICTS
from diagnostics.report.view import view_models
from diagnostics.runs import records
from tests.report.accepted import SCHEMAS, schema

_RECORDS: Mapping[str, type[Any]] = {
    "bisect-2": bisection.Bisection,
    "run-2": records.RunMeta,
    "trial-2": trial.Trial,
    "view-2": view_models.View,
}
"""Documents that are one record each; of the others, the records within them are made from classes."""
RENEWED = (*_RECORDS, "findings-2", "summary-2")
_COMPACT = ("trial-2",)
"""Documents that leave out fields that have their default."""

_WORDS = {"status": STATUSES, "symptom": SYMPTOMS, "verdict": VERDICTS, "severity": SEVERITIES, "kind": FINDING_KINDS}
_PLAIN = {str: "string", int: "integer", float: "number", bool: "boolean", type(None): "null"}
_CLASSES: dict[str, type[Any]] = {
    kind.__name__: kind
    for module in (view_models, records, trial, finding, event, cell, machine, bisection)
    for kind in vars(module).values()
    if isinstance(kind, type) and is_dataclass(kind)
}
# A subject points at its environment, which is written once.
_BY_LABEL = {"type": "string", "pattern": "^E[0-9]+$", "description": "the label of one of environments"}
_BY_NAME = {"type": "string", "description": "the name of one of the rows in environments.json"}
_OTHERWISE: Mapping[tuple[str, str], Any] = {
    ("Subject", "environment"): _BY_LABEL,
    ("Trial", "key"): {"type": "string", "pattern": "^[0-9a-f]{16}$"},
    ("Trial", "mode"): {"enum": ["fork", "cold"]},
    ("Trial", "environment"): _BY_NAME,
    ("LoopFacts", "kind"): {"type": "string"},
    ("ReleaseChange", "difference"): {"type": "array", "items": {"type": "string"}},
}


def renewed(name: str) -> dict[str, Any]:
    """The schema of this name as the classes have it now."""
    found = schema(name)
    definitions: dict[str, Any] = {}
    compact = name in _COMPACT
    if name in _RECORDS:
        made = _record(_RECORDS[name], definitions, compact=compact)
        own = {"schema": found["properties"]["schema"], **made["properties"]}
        found |= {"required": ["schema", *made["required"]], "properties": own}
    for kind in found.get("$defs", {}) if name not in _RECORDS else ():
        if kind in _CLASSES:
            _reference(_CLASSES[kind], definitions, compact=compact)
    by_hand = {
        kind: said for kind, said in found.get("$defs", {}).items() if kind not in _CLASSES and name not in _RECORDS
    }
    return {**found, "$defs": dict(sorted({**by_hand, **definitions}.items()))}


def _reference(kind: type[Any], definitions: dict[str, Any], *, compact: bool) -> dict[str, Any]:
    if kind.__name__ not in definitions:
        definitions[kind.__name__] = {}  # it may hold itself
        definitions[kind.__name__] = _record(kind, definitions, compact=compact)
    return {"$ref": f"#/$defs/{kind.__name__}"}


def _record(kind: type[Any], definitions: dict[str, Any], *, compact: bool) -> dict[str, Any]:
    first, described = _told(kind)
    hints = typing.get_type_hints(kind, include_extras=True)
    properties: dict[str, Any] = {}
    required = []
    for field in fields(kind):
        shorter = compact and "in_full" not in field.metadata
        if "inline" in field.metadata:
            inline = _record(hints[field.name], definitions, compact=compact)
            properties |= {name: value for name, value in inline["properties"].items() if name not in properties}
            required += [name for name in inline["required"] if name not in required]
        elif "local" not in field.metadata or kind is records.EnvironmentRow:
            made = _property(kind, field, hints[field.name], definitions, compact=shorter)
            tells = field.name in described and "$ref" not in made
            properties[field.name] = {**made, "description": described[field.name]} if tells else made
            if not (shorter and _has_default(field)):
                required.append(field.name)
    for name in getattr(kind, "DERIVED", ()):
        properties[name] = _OTHERWISE[kind.__name__, name]
        required.append(name)
    return {"description": first, "type": "object", "required": required, "properties": properties}


def _has_default(field: Field[Any]) -> bool:
    return field.default is not MISSING or field.default_factory is not MISSING


def _property(
    kind: type[Any], field: Field[Any], hint: Any, definitions: dict[str, Any], *, compact: bool
) -> dict[str, Any]:
    made = _OTHERWISE.get((kind.__name__, field.name)) or _type(hint, field.name, definitions, compact=compact)
    if not compact or not _has_default(field):
        return made
    value = field.default_factory() if field.default_factory is not MISSING else field.default
    plain = encode(value, compact=True) if is_dataclass(value) else value
    return {**made, "default": list(plain) if isinstance(plain, tuple) else plain}


def _type(hint: Any, name: str, definitions: dict[str, Any], *, compact: bool) -> dict[str, Any]:
    origin, parts = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Annotated:
        return {"type": "integer"} if SIGNED in parts else _type(parts[0], name, definitions, compact=compact)
    if origin in (typing.Union, types.UnionType):
        each = [_type(part, name, definitions, compact=compact) for part in parts]
        if all(set(one) <= {"type", "minimum"} for one in each):
            return {**{k: v for one in each for k, v in one.items()}, "type": [one["type"] for one in each]}
        words = next((one["enum"] for one in each if "enum" in one), None)
        return {"enum": [*words, None]} if words is not None else {"anyOf": each}
    if origin is tuple:
        return {"type": "array", "items": _type(parts[0], name, definitions, compact=compact)}
    if origin is not None:  # a mapping
        return {"type": "object", "additionalProperties": _type(parts[1], name, definitions, compact=compact)}
    if is_dataclass(hint):
        return _reference(typing.cast("type[Any]", hint), definitions, compact=compact)
    if hint is Any:
        return {}
    if hint is str and name in _WORDS:
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
