"""SARIF 2.1.0 (OASIS), for code scanning and editors: a rule for each kind of finding, a result for each root cause."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any, Final
from urllib.parse import quote

from diagnostics import __version__
from diagnostics.model.words import FINDING_KINDS, SEVERITIES
from diagnostics.sanitizer.analyze.describe import relative_path
from diagnostics.sanitizer.output.formats.changes import Changes, replacements
from diagnostics.sanitizer.output.formats.place import first_line, main_finding

VERSION: Final = "2.1.0"
SCHEMA_URI: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
LEVELS: Final[dict[str, str]] = {"error": "error", "leak": "warning", "note": "note"}
"""The level of SARIF for each of our severities."""

_MESSAGE_LIMIT: Final = 2000


def render(data: Mapping[str, Any]) -> str:
    """Returns the log of a run, from a document of schema `diagnostics.findings/2`."""
    why = {"noPatch": data["no_patch"]} if "no_patch" in data else None
    return log([_of(data, cause) for cause in data["root_causes"]], why)


def log(
    results: Sequence[dict[str, Any]],
    properties: Mapping[str, str] | None = None,
    rules: Sequence[dict[str, Any]] | None = None,
) -> str:
    """Returns a log with these results and the rules that they need, by default those of the kinds of findings."""
    used = {result["ruleId"] for result in results}
    described = [_rule(kind) for kind in FINDING_KINDS if kind in used] if rules is None else list(rules)
    names = [rule["id"] for rule in described]
    for result in results:
        result["ruleIndex"] = names.index(result["ruleId"])
    driver = {
        "name": "event-loop-diagnostics",
        "version": __version__,
        "semanticVersion": __version__,
        "rules": described,
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
    place = {} if site is None else location(site)
    place["logicalLocations"] = [{"fullyQualifiedName": logical}]
    return {
        "ruleId": kind,
        "level": LEVELS[severity],
        "message": {"text": text[:_MESSAGE_LIMIT]},
        "locations": [place],
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
    if cause.get("changes"):
        made["fixes"] = [
            {"description": {"text": advice[0] if advice else "Fix"}, "artifactChanges": _changed(cause["changes"])}
        ]
    if client.get("created_at"):
        place = {**client["created_at"], "file": relative_path(client["created_at"]["file"])}
        related = {"id": 1, **location(place), "message": {"text": "client created here"}}
        made["relatedLocations"] = [related]
    return made


def _changed(changes: Changes) -> list[dict[str, Any]]:
    return [
        {
            "artifactLocation": {"uri": uri(name), "uriBaseId": "SRCROOT"},
            "replacements": [
                {
                    "deletedRegion": {"startLine": start, "startColumn": 1, "endLine": end, "endColumn": 1},
                    "insertedContent": {"text": text},
                }
                for start, end, text in replacements(*texts)
            ],
        }
        for name, texts in sorted(changes.items())
    ]


def _rule(kind: str) -> dict[str, Any]:
    what = f"{FINDING_KINDS[kind][0].upper()}{FINDING_KINDS[kind][1:]}."
    severities = "; ".join(f"{severity}: {meaning}" for severity, meaning in SEVERITIES.items())
    full = f"{what} A pooled connection belongs to the event loop that opened it."
    return described(
        kind, kind, what, full, f"{what} Each result states its severity ({severities}) and how to fix it."
    )


def described(code: str, name: str, short: str, full: str, help_text: str) -> dict[str, Any]:
    """Returns a rule.

    Args:
        name: in kebab case.
    """
    return {
        "id": code,
        "name": "".join(word.capitalize() for word in name.split("-")),
        "shortDescription": {"text": short},
        "fullDescription": {"text": full},
        "help": {"text": help_text},
        "properties": {"tags": ["asyncio", "event-loop", "http-client"]},
    }


def location(site: Mapping[str, Any]) -> dict[str, Any]:
    """Returns where something is."""
    physical: dict[str, Any] = {"artifactLocation": {"uri": uri(site["file"]), "uriBaseId": "SRCROOT"}}
    region = {"startLine": site.get("line"), "startColumn": site.get("column"), "endColumn": site.get("end_column")}
    known = {name: value + (name != "startLine") for name, value in region.items() if value is not None}
    if known:
        physical["region"] = known
    return {"physicalLocation": physical}
