"""What the page's script draws: a view as plain data, small enough for five thousand cells. Pure.

Equal texts are written once and pointed to by their number; every text is cut to a length that a page can show.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from diagnostics.explain import essence
from diagnostics.model.cell import BASELINE, Load
from diagnostics.model.event import Event
from diagnostics.model.finding import Site
from diagnostics.model.libraries import named
from diagnostics.model.words import FINDING_KINDS, RECOVERY, SEVERITIES, STATUSES, SYMPTOM_NAMES, SYMPTOMS, VERDICTS
from diagnostics.report.markup.truncate import cut
from diagnostics.report.view.interval import wilson
from diagnostics.report.view.phrasing import without_folders
from diagnostics.report.view.view_models import FixOutcome, Subject, Timeline, View
from diagnostics.runs.records import EnvironmentRow

NAME, TEXT = 200, 4000
"""Characters that are shown of a name and of a text."""

VERDICT_SIGNS = {
    "removes": "✓",
    "hides": "◐",
    "no effect": "✕",
    "worsens": "!",
    "inconclusive": "?",
    "not reproduced": "·",
}
"""What a cell shows beside its colour, so that nobody has to tell colours apart."""

VERDICT_COLOURS = {
    "removes": "#2f9d6c",
    "hides": "#e0a000",
    "no effect": "#d4503f",
    "worsens": "#6f0f2b",
    "inconclusive": "#8a93cf",
}
"""What the bars of the plots and of the page (`page.css`, light) show."""

SYMPTOM_SIGNS = {"none": "·", "retried": "2×", "logged": "log", "raised": "err", "hang": "hang", "crash": "dead"}

_LIBRARIES = named("sdk", "driver", "client", "transport")


class _Table:
    """Texts by number, each once."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._numbers: dict[str, int] = {}

    def number(self, text: str | None) -> int | None:
        if text is None:
            return None
        return self._numbers.setdefault(cut(text, self._limit), len(self._numbers))

    @property
    def texts(self) -> list[str]:
        return list(self._numbers)


def page_data(view: View) -> dict[str, Any]:
    """Everything the script needs, as JSON can hold it."""
    texts, sites = _Table(TEXT), _Table(3 * NAME)
    fixes = (BASELINE, *view.fixes)
    several = len({subject.load for subject in view.subjects}) > 1
    environments = {row.label: number for number, row in enumerate(view.environments)}
    columns = sorted({subject.column for subject in view.subjects})
    rows = [
        {
            "e": environments[subject.environment.label],
            "c": columns.index(subject.column),
            "p": cut(subject.provider, NAME),
            "s": cut(subject.scenario, NAME),
            "r": cut(_release(subject), NAME),
            "l": list(_load(subject.load)),
            "cells": [_cell(subject.result(fix), texts) for fix in fixes],
        }
        for subject in sorted(view.subjects, key=lambda each: _order(each, environments))
    ]
    timelines = [_timeline(timeline, sites) for timeline in view.timelines]
    return {
        "words": {
            "verdicts": VERDICTS,
            "symptoms": SYMPTOMS,
            "names": SYMPTOM_NAMES,
            "findings": FINDING_KINDS,
            "severities": SEVERITIES,
            "statuses": STATUSES,
        },
        "signs": {"verdicts": VERDICT_SIGNS, "symptoms": SYMPTOM_SIGNS},
        "fixes": [
            {"name": cut(fix, NAME), "note": cut(view.fix_notes.get(fix, ""), TEXT), "code": essence(fix)}
            for fix in fixes
        ],
        "columns": [cut(column, NAME) for column in columns],
        "environments": [_environment(row) for row in view.environments],
        "loads": several,
        "usual": list(_load(Load())),
        "rows": rows,
        "texts": texts.texts,
        "timelines": timelines,
        "sites": sites.texts,
    }


def libraries(row: EnvironmentRow) -> str:
    """The packages of an environment that say what it is: `openai 3.54.0, httpx2 2.16.2`."""
    return ", ".join(f"{name} {row.packages[name]}" for name in _LIBRARIES if name in row.packages)


def _order(subject: Subject, environments: dict[str, int]) -> tuple[object, ...]:
    """By client and scenario; first where most was tried, of those the newest environment."""
    newest = -environments[subject.environment.label]
    return (subject.column, subject.scenario, _load(subject.load), -len(subject.fixes), newest)


def _release(subject: Subject) -> str:
    """The client's version and that of the stack beneath it: `openai 3.54.0, httpx2 2.16.2`."""
    packages = subject.environment.packages
    names = dict.fromkeys((subject.provider, subject.generation))
    return ", ".join(f"{name} {packages[name]}" for name in names if name in packages)


def _load(load: Load) -> tuple[int, ...]:
    return (load.runs, load.calls, load.concurrency, load.retries)


def _environment(row: EnvironmentRow) -> dict[str, Any]:
    return {
        "label": row.label,
        "slug": cut(row.slug, NAME),
        "python": cut(row.python, 40),
        "has": cut(libraries(row), NAME),
    }


def _cell(result: FixOutcome | None, texts: _Table) -> dict[str, Any] | None:
    """What a cell shows and what it opens; fields that say nothing are left out."""
    if result is None:
        return None
    shown = result.trials - result.symptoms.get("none", 0)
    cell = {
        "v": result.verdict,
        "y": result.symptom,
        "n": result.trials,
        "all": result.ran,
        "k": shown,
        "i": [round(end, 4) for end in wilson(shown, result.trials)] if result.trials else None,
        "re": RECOVERY[result.recovers],
        "ys": dict(result.symptoms) if result.differ else None,
        "f": [[finding.kind, finding.severity, finding.count] for finding in result.findings],
        "w": result.instrumented,
        "t": texts.number(without_folders(result.evidence) if result.evidence else result.reason),
        "st": None if result.status == "ran" else result.status,
        "clean": result.clean,
        "cost": list(vars(result.cost).values()) if result.cost else None,
        "a": list(vars(result.accounting).values()) if result.trials else None,
    }
    return {name: value for name, value in cell.items() if value not in (None, [], {}, "")}


def _timeline(timeline: Timeline, sites: _Table) -> dict[str, Any]:
    stacks = {event.number: event.stack for event in timeline.events if event.stack}
    return {
        "e": timeline.environment,
        "p": cut(timeline.provider, NAME),
        "s": cut(timeline.scenario, NAME),
        "fix": cut(timeline.fix, NAME),
        "y": timeline.symptom,
        "events": [_event(event, stacks, sites) for event in timeline.events],
    }


def _event(event: Event, stacks: dict[int, tuple[Site, ...]], sites: _Table) -> dict[str, Any]:
    stack = event.stack or stacks.get(event.same_stack or 0, ())
    told = {
        "n": event.number,
        "of": cut(event.subject, 20),
        "name": cut(event.name, NAME),
        "what": cut(event.what, 20),
        "run": event.running,
        "loop": event.loop,
        "open": event.open,
        "by": sites.number(_place(event.by)),
        "site": sites.number(_place(event.site)),
        "more": cut(event.detail, NAME),
        "ms": round(event.at * 1000, 3) if event.at is not None else None,
        "th": cut(event.thread, 80) if event.thread else None,
        "c": event.client,
        "x": event.connection,
        "stack": _numbers(stack, sites),
    }
    return {name: value for name, value in told.items() if value not in (None, [], "")}


def _numbers(stack: Iterable[Site], sites: _Table) -> list[int | None]:
    return [sites.number(_place(site)) for site in stack]


def _place(site: Site | None) -> str | None:
    return f"{site.function} ({site.file}:{site.line})" if site is not None else None
