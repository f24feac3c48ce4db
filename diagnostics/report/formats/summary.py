"""`summary.json`, schema `diagnostics.summary/2`: every verdict with its cost, one a line."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from diagnostics.model.codec import encode
from diagnostics.model.visible import visible
from diagnostics.report.view.hypotheses import hypothesis_rates
from diagnostics.report.view.tally import MARKS, tally
from diagnostics.report.view.view_models import Cost, FixOutcome, Subject, View
from diagnostics.runs.layout import SUMMARY
from diagnostics.runs.records import EnvironmentRow

FILE_NAME = SUMMARY
SCHEMA = "diagnostics.summary/2"


def render(view: View) -> str:
    """The file's text; the same view always gives the same bytes."""
    fields = [f" {_text(name)}: {_lines(value)}" for name, value in to_json(view).items()]
    return visible("{\n" + ",\n".join(fields) + "\n}\n")


def _lines(value: Any) -> str:
    """The text of a field: one line for each item of a list, so that one changed verdict is one changed line."""
    if isinstance(value, list) and value:
        return "[\n  " + ",\n  ".join(map(_text, value)) + "\n ]"
    return _text(value)


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def to_json(view: View) -> dict[str, Any]:
    """The object that `render` writes."""
    return {
        "schema": SCHEMA,
        "environments": [_environment(row) for row in view.environments],
        "verdicts": [
            _verdict(subject, result) for subject in view.subjects for result in subject.fixes if result.verdict
        ],
        "baselines": [_baseline(subject, subject.baseline) for subject in view.subjects if subject.baseline],
        "not_run": [
            {**_subject(subject), "fix": result.fix, "status": result.status, "reason": result.reason}
            for subject in view.subjects
            for result in subject.fixes
            if result.status != "ran"
        ],
        "fixes": [_fix(view, fix) for fix in view.fixes],
        "histories": [asdict(history) for history in view.histories],
        "hypotheses": [
            {"name": each.name, "says": each.says, **asdict(found)} for each, found in hypothesis_rates(view)
        ],
        "totals": asdict(view.totals),
        "run": asdict(view.meta),
        "warnings": list(view.warnings),
        "redacted": None if view.redacted is None else dict(view.redacted),
    }


def _environment(row: EnvironmentRow) -> dict[str, Any]:
    shown = _pick(row, "name", "status", "reason", "python", "packages", "slug", "label")
    return {**shown, "packages": dict(sorted(row.packages.items()))}


def _pick(record: Any, *names: str) -> dict[str, Any]:
    every = asdict(record)
    return {name: every[name] for name in names}


def _subject(subject: Subject) -> dict[str, Any]:
    return {"environment": subject.environment.name, "provider": subject.provider, "scenario": subject.scenario}


def _verdict(subject: Subject, result: FixOutcome) -> dict[str, Any]:
    return {
        **_subject(subject),
        **_pick(result, "fix", "verdict"),
        "baseline": subject.baseline.symptom if subject.baseline else None,
        **_pick(result, "symptom", "trials"),
        "cost": _cost(result.cost),
        **_more(subject, result),
    }


def _baseline(subject: Subject, baseline: FixOutcome) -> dict[str, Any]:
    return {
        **_subject(subject),
        **_pick(baseline, "symptom", "trials"),
        "cost": _cost(baseline.cost),
        **_pick(baseline, "status", "reason"),
        **_more(subject, baseline),
    }


def _more(subject: Subject, result: FixOutcome) -> dict[str, Any]:
    return {"load": encode(subject.load), **_pick(result, "symptoms", "differ", "instrumented", "findings")}


def _cost(cost: Cost | None) -> dict[str, Any] | None:
    if cost is None:
        return None
    first = ("connections_per_call", "requests_per_call", "time_ratio", "fds_left", "threads_left")
    return {**_pick(cost, *first), **asdict(cost)}


def _fix(view: View, fix: str) -> dict[str, Any]:
    found = tally(view.subjects, fix)
    counts = {verdict: getattr(found, verdict.replace(" ", "_")) for verdict in MARKS}
    return {"fix": fix, "verdicts": counts, "note": view.fix_notes.get(fix)}
