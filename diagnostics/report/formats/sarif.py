"""`results.sarif`: the findings of a run for code scanning, SARIF 2.1.0.

A run of the matrix knows kinds and scenarios, not lines: its location is the file of the scenario in this project.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from diagnostics.model.words import FINDING_KINDS
from diagnostics.report.view.phrasing import count as phrase
from diagnostics.report.view.view_models import View
from diagnostics.sanitizer.output.formats.sarif import log, result

FILE_NAME = "results.sarif"


def render(view: View) -> str:
    """The file's text."""
    return log([_result(*found) for found in _places(view)], {"started": view.meta.started})


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


def _result(key: tuple[str, str, str, str], count: int, environments: list[str]) -> dict[str, Any]:
    kind, severity, provider, scenario = key
    site = {"file": f"diagnostics/experiment/scenarios/{scenario.replace('-', '_')}.py"}
    where = f"{'environment' if len(environments) == 1 else 'environments'} {', '.join(environments)}"
    text = f"{FINDING_KINDS[kind]} ({phrase(count, 'time')}, {provider} in {scenario}, {where})"
    return {**result(kind, severity, text, site, f"{provider}/{scenario}"), "occurrenceCount": count}
