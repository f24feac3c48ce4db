"""SARIF 2.1.0 (OASIS), for code scanning and editors: a rule for each kind of finding, a result for each root cause."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any, Final
from urllib.parse import quote

from diagnostics import __version__
from diagnostics.model.words import FINDING_KINDS, SEVERITIES
from diagnostics.sanitizer.output.formats.place import first_line, main_finding

VERSION: Final = "2.1.0"
SCHEMA_URI: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
LEVELS: Final[dict[str, str]] = {"error": "error", "leak": "warning", "note": "note"}
"""The level of SARIF for each of our severities."""

_MESSAGE_LIMIT: Final = 2000


def render(data: Mapping[str, Any]) -> str:
    """Returns the log of a run, from a document of schema `diagnostics.findings/2`."""
    return log([_of(data, cause) for cause in data["root_causes"]])


def log(results: Sequence[dict[str, Any]], properties: Mapping[str, str] | None = None) -> str:
    """Returns a log with these results and the rules that they need."""
    used = {result["ruleId"] for result in results}
    kinds = [kind for kind in FINDING_KINDS if kind in used]
    for result in results:
        result["ruleIndex"] = kinds.index(result["ruleId"])
    driver = {
        "name": "event-loop-diagnostics",
        "version": __version__,
        "semanticVersion": __version__,
        "rules": [_rule(kind) for kind in kinds],
    }
    run: dict[str, Any] = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {"SRCROOT": {"description": {"text": "the root of the sources"}}},
        "results": results,
    }
    if properties:
        run["properties"] = properties
    return json.dumps({"$schema": SCHEMA_URI, "version": VERSION, "runs": [run]}, indent=1, allow_nan=False) + "\n"


def result(kind: str, severity: str, text: str, site: Mapping[str, Any] | None, logical: str) -> dict[str, Any]:
    """Returns a result.

    Args:
        site: file and, if they are known, line and columns; `None` where no file is known.
        logical: what the result is about, such as the class of a client.
    """
    location = {} if site is None else _location(site)
    location["logicalLocations"] = [{"fullyQualifiedName": logical}]
    return {
        "ruleId": kind,
        "level": LEVELS[severity],
        "message": {"text": text[:_MESSAGE_LIMIT]},
        "locations": [location],
        # Where the line is known, code scanning follows the finding through changes by it.
        "partialFingerprints": {"finding/v1": f"{kind}:{logical}:{site['file'] if site else ''}"[:500]},
    }


def uri(file: str) -> str:
    """Returns a path as a relative reference: what is before `site-packages` or at its root says nothing elsewhere."""
    path = PureWindowsPath(file) if "\\" in file else PurePosixPath(file)
    parts = [part for part in path.parts if part not in (path.anchor, "..", "~")]
    if "site-packages" in parts:
        parts = parts[parts.index("site-packages") :]
    return quote("/".join(parts).encode(errors="backslashreplace")) or "unknown"


def _of(data: Mapping[str, Any], cause: Mapping[str, Any]) -> dict[str, Any]:
    finding = main_finding(data, cause)
    client = finding["client"] or {}
    advice = [f"Fix: {each['text']}" for each in cause["advice"][:1]]
    text = "\n".join([cause["title"], f"Cause: {finding['fault']['why']}", *advice])
    made = result(cause["kind"], cause["severity"], text, first_line(data, cause), client.get("type") or "loop")
    made["occurrenceCount"] = int(finding["count"])
    if client.get("created_at"):
        related = {"id": 1, **_location(client["created_at"]), "message": {"text": "client created here"}}
        made["relatedLocations"] = [related]
    return made


def _rule(kind: str) -> dict[str, Any]:
    what = f"{FINDING_KINDS[kind][0].upper()}{FINDING_KINDS[kind][1:]}."
    severities = "; ".join(f"{severity}: {meaning}" for severity, meaning in SEVERITIES.items())
    return {
        "id": kind,
        "name": "".join(word.capitalize() for word in kind.split("-")),
        "shortDescription": {"text": what},
        "fullDescription": {"text": f"{what} A pooled connection belongs to the event loop that opened it."},
        "help": {"text": f"{what} Each result states its severity ({severities}) and how to fix it."},
        "properties": {"tags": ["asyncio", "event-loop", "http-client"]},
    }


def _location(site: Mapping[str, Any]) -> dict[str, Any]:
    physical: dict[str, Any] = {"artifactLocation": {"uri": uri(site["file"]), "uriBaseId": "SRCROOT"}}
    region = {"startLine": site.get("line"), "startColumn": site.get("column"), "endColumn": site.get("end_column")}
    known = {name: value + (name != "startLine") for name, value in region.items() if value is not None}
    if known:
        physical["region"] = known
    return {"physicalLocation": physical}
