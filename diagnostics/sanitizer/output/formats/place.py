"""The line that a root cause is shown at."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from diagnostics.sanitizer.analyze.describe import relative_path


def main_finding(data: Mapping[str, Any], cause: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the finding that names a root cause."""
    found: dict[str, Any] = next(each for each in data["findings"] if each["id"] == cause["findings"][0])
    return found


def first_line(data: Mapping[str, Any], cause: Mapping[str, Any]) -> dict[str, Any] | None:
    """Returns the first-party site that a person changes, with a relative path, or `None` if there is none."""
    finding = main_finding(data, cause)
    client, loop, access = (finding[name] or {} for name in ("client", "loop", "access"))
    held = client.get("held_by") or {}
    sites = (held.get("site"), client.get("created_at"), finding["fault"]["site"], access.get("site"))
    site = next((each for each in (*sites, loop.get("created_at")) if each), None)
    return None if site is None else {**site, "file": relative_path(site["file"])}
