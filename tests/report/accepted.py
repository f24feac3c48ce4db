"""What others accept: the schemas that each format is checked against."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from pydantic_sarif.model import StaticAnalysisResultsFormatSarifVersion210JsonSchema as Sarif
from xmlschema import XMLSchema

SCHEMAS = Path(str(files("diagnostics.report"))) / "schemas"
# The schema of Jenkins' xunit plugin (MIT, by Gregory Boissinot), as the tests of pytest carry it.
_JUNIT = Path(__file__).parent / "schemas" / "junit-10.xsd"


def check_json(name: str, data: Any) -> None:
    """Fails with the first place where the data is not of a published schema, such as `trial-1`."""
    for error in validator(name).iter_errors(data):
        raise AssertionError(f"{name}: {error.json_path}: {error.message[:300]}")


@cache
def validator(name: str) -> Draft202012Validator:
    return Draft202012Validator(schema(name))


def schema(name: str) -> dict[str, Any]:
    """A published schema."""
    return dict(json.loads((SCHEMAS / f"{name}.json").read_text(encoding="utf-8")))


def check_sarif(text: str) -> Any:
    """Reads the text with the model that is generated from OASIS' own schema, which forbids what it does not know."""
    data = json.loads(text)
    Sarif.model_validate(data)
    return data


def check_junit(text: str) -> None:
    for error in _junit().iter_errors(text):
        raise AssertionError(f"{error.path}: {error.reason}")


@cache
def _junit() -> XMLSchema:
    return XMLSchema(_JUNIT)
