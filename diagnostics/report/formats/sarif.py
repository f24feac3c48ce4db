"""`results.sarif`: findings for code scanning, SARIF 2.1.0: a rule for each kind, a result for each kind and location.

A run of the matrix knows kinds and scenarios, not lines: its location is the file of the scenario in this project. A
document of `diagnostics run --json` knows the line at fault, where `render_findings` reports it. Paths are relative.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any, Final
from urllib.parse import quote

from diagnostics import __version__
from diagnostics.model.words import FINDING_KINDS, SEVERITIES
from diagnostics.report.view.phrasing import count as phrase
from diagnostics.report.view.view_models import View

FILE_NAME = "results.sarif"
VERSION: Final = "2.1.0"
SCHEMA_URI: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
LEVELS: Final[dict[str, str]] = {"error": "error", "leak": "warning", "note": "note"}
"""The level of SARIF for each of our severities."""

_MESSAGE_LIMIT = 2000


@dataclass(frozen=True)
class Place:
    """A line of a file, relative to the root of the sources; `line` is 0 where no line is known."""

    file: str
    line: int = 0


def render(view: View) -> str:
    """The file's text for a run of the matrix."""
    return _dump([_of_the_run(*found) for found in _places(view)], view.meta.started)


def render_findings(document: Mapping[str, Any]) -> str:
    """The file's text for a document of schema `diagnostics.findings/2`, as `diagnostics run --json` writes it."""
    return _dump([_of_the_document(finding) for finding in document["findings"]], None)


def _dump(results: list[dict[str, Any]], started: str | None) -> str:
    used = {result["ruleId"] for result in results}
    kinds = [kind for kind in FINDING_KINDS if kind in used]
    for result in results:
        result["ruleIndex"] = kinds.index(result["ruleId"])
    run: dict[str, Any] = {
        "tool": {
            "driver": {
                "name": "event-loop-diagnostics",
                "version": __version__,
                "semanticVersion": __version__,
                "rules": [_rule(kind) for kind in kinds],
            }
        },
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {"SRCROOT": {"description": {"text": "the root of the sources"}}},
        "results": results,
    }
    if started is not None:
        run["properties"] = {"started": started}
    document = {"$schema": SCHEMA_URI, "version": VERSION, "runs": [run]}
    return json.dumps(document, indent=1, ensure_ascii=True, allow_nan=False) + "\n"


def _rule(kind: str) -> dict[str, Any]:
    what = f"{FINDING_KINDS[kind][0].upper()}{FINDING_KINDS[kind][1:]}."
    severities = "; ".join(f"{severity}: {said}" for severity, said in SEVERITIES.items())
    return {
        "id": kind,
        "name": "".join(word.capitalize() for word in kind.split("-")),
        "shortDescription": {"text": what},
        "fullDescription": {"text": f"{what} A pooled connection belongs to the event loop that opened it."},
        "help": {"text": f"{what} Each finding states its severity ({severities}) and how to fix it."},
        "properties": {"tags": ["asyncio", "event-loop", "http-client"]},
    }


def _places(view: View) -> Iterable[tuple[tuple[str, str, str, str], int, list[str]]]:
    """Kind, severity, provider and scenario of each finding, how often, and in which environments."""
    counts: dict[tuple[str, str, str, str], int] = {}
    where: dict[tuple[str, str, str, str], dict[str, None]] = {}
    for subject in view.subjects:
        for finding in subject.baseline.findings if subject.baseline is not None else ():
            key = (finding.kind, finding.severity, subject.provider, subject.scenario)
            counts[key] = counts.get(key, 0) + finding.count
            where.setdefault(key, {})[subject.environment.label] = None
    return [(key, counts[key], list(where[key])) for key in sorted(counts)]


def _of_the_run(key: tuple[str, str, str, str], count: int, environments: list[str]) -> dict[str, Any]:
    kind, severity, provider, scenario = key
    place = Place(f"diagnostics/experiment/scenarios/{scenario.replace('-', '_')}.py")
    where = f"{'environment' if len(environments) == 1 else 'environments'} {', '.join(environments)}"
    said = f"{FINDING_KINDS[kind]} ({phrase(count, 'time')}, {provider} in {scenario}, {where})"
    result = _result(kind, severity, said, place, f"{provider}/{scenario}")
    result["occurrenceCount"] = count
    return result


def _of_the_document(finding: Mapping[str, Any]) -> dict[str, Any]:
    fault, client = finding.get("fault") or {}, finding.get("client") or {}
    site = fault.get("site") or client.get("created_at") or (finding.get("access") or {}).get("site")
    place = Place(site["file"], int(site["line"])) if site else None
    told = [finding["message"], fault.get("why") and f"At fault: {fault.get('component')}: {fault['why']}"]
    hint = (finding.get("hint") or {}).get("text")
    told += [f"Fix: {hint}"] if hint else []
    said = ". ".join(str(part).rstrip(".") for part in told if part) + "."
    result = _result(finding["kind"], finding["severity"], said, place, str(client.get("type") or "client"))
    result["occurrenceCount"] = int(finding["count"])
    created = client.get("created_at")
    if created:
        location = _location(Place(created["file"], int(created["line"])))
        location["message"] = {"text": "client created here"}
        result["relatedLocations"] = [{"id": 1, **location}]
    return result


def _result(kind: str, severity: str, said: str, place: Place | None, logical: str) -> dict[str, Any]:
    location = _location(place) if place is not None else {}
    location["logicalLocations"] = [{"fullyQualifiedName": logical}]
    return {
        "ruleId": kind,
        "level": LEVELS[severity],
        "message": {"text": said[:_MESSAGE_LIMIT] or kind},
        "locations": [location],
        # Where the line is known, code scanning follows the finding through changes by it.
        "partialFingerprints": {"finding/v1": f"{kind}:{logical}:{place.file if place is not None else ''}"[:500]},
    }


def _location(place: Place) -> dict[str, Any]:
    physical: dict[str, Any] = {"artifactLocation": {"uri": uri(place.file), "uriBaseId": "SRCROOT"}}
    if place.line > 0:
        physical["region"] = {"startLine": place.line}
    return {"physicalLocation": physical}


def uri(file: str) -> str:
    """A path as a relative reference: what stands before `site-packages` or at its root says nothing elsewhere."""
    path = PureWindowsPath(file) if "\\" in file else PurePosixPath(file)
    parts = [part for part in path.parts if part not in (path.anchor, "..", "~")]
    if "site-packages" in parts:
        parts = parts[parts.index("site-packages") :]
    return quote("/".join(parts).encode(errors="backslashreplace")) or "unknown"
