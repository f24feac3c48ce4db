"""One line of JSON for each root cause, and one for the run: what an agent needs to make the change."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from diagnostics.sanitizer.output.formats.changes import patch_of
from diagnostics.sanitizer.output.formats.place import first_line, main_finding


def render(data: Mapping[str, Any]) -> str:
    """Returns the lines."""
    counts = [cause["severity"] for cause in data["root_causes"]]
    run = {
        "type": "run",
        "errors": counts.count("error"),
        "leaks": counts.count("leak"),
        **data["accounting"],
        "exit_code": data["program"]["exit_code"],
        "blind_spots": data["cannot_tell"],
        **({"no_patch": data["no_patch"]} if "no_patch" in data else {}),
    }
    return causes(data) + _line(run)


def causes(data: Mapping[str, Any]) -> str:
    """Returns the lines of the root causes."""
    return "".join(_line(_cause(data, cause)) for cause in data["root_causes"])


def _line(record: Mapping[str, Any]) -> str:
    return json.dumps(record, separators=(",", ":")) + "\n"


def _cause(data: Mapping[str, Any], cause: Mapping[str, Any]) -> dict[str, Any]:
    site = first_line(data, cause) or {}
    fault = main_finding(data, cause)["fault"]
    advice = [{name: value for name, value in each.items() if value and name != "where"} for each in cause["advice"]]
    return {
        "type": "root_cause",
        **{name: cause[name] for name in ("kind", "severity", "title")},
        **{name: site.get(name) for name in ("file", "line", "code")},
        "fault": fault["component"],
        "why": fault["why"],
        "advice": advice,
        **({"patch": patch_of(cause["changes"])} if cause.get("changes") else {}),
    }
