"""Cleans a run before anything is drawn from it: of each record the fields that may leave, in the way their table says.

One table a class. A field that has no row stops the report instead of leaving with it, and a test compares tables and
classes both ways: what is added to a record has to be thought of here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any, Final

from diagnostics.model.cell import Cell, Environment, Load
from diagnostics.model.event import Event
from diagnostics.model.finding import Site
from diagnostics.model.trial import Accounting, FindingCount, Trial
from diagnostics.redaction import Secrets, bounded, redact, tables, taken
from diagnostics.redaction.field_rules import Clean, Table, digest, text, version, word
from diagnostics.redaction.files import Unlisted
from diagnostics.redaction.kinds import together
from diagnostics.runs.records import EnvironmentRow, Run, RunMeta, Sweep


def _part(value: Any, clean: Clean) -> Any:
    """A record, or several of them: its own table says what becomes of its fields."""
    return _cleaned(value, clean, {})


CELL: Final[Table] = {"environment": word, "provider": word, "scenario": word, "fix": word, "load": _part}

CLASSES: Final[dict[type, Table]] = {
    Run: {
        "trials": _part,
        "environments": _part,
        "meta": _part,
        "warnings": text,
        "timelines": _part,
        "sweeps": _part,
    },
    Event: {
        **{name: way for name, way in tables.EVENT.items() if name in {field.name for field in fields(Event)}},
        "by": _part,
        "site": _part,
        "stack": _part,
    },
    Site: tables.SITE,
    Sweep: {"measure": word, "provider": word, "python": version, "points": _part},
    Trial: {
        **{name: way for name, way in tables.TRIAL.items() if name in {field.name for field in fields(Trial)}},
        "environment": _part,
        "cell": _part,
        "findings": _part,
        "accounting": _part,
    },
    Cell: CELL,
    Environment: tables.ENVIRONMENT,
    Load: tables.LOAD,
    FindingCount: tables.FINDING_COUNT,
    Accounting: tables.ACCOUNTING,
    EnvironmentRow: {**tables.ENVIRONMENT_ROW, "label": word},
    RunMeta: {
        **{name: way for name, way in tables.RUN.items() if name in {field.name for field in fields(RunMeta)}},
        **{name: way for name, way in tables.MACHINE.items() if name in {field.name for field in fields(RunMeta)}},
    },
}
"""What becomes of each field of each class."""

LONGEST_SHOWN: Final = 5000
"""Characters of any one text in a view: what a report shows of it is shorter still."""


def cleaned(run: Run, secrets: Secrets) -> tuple[Run, dict[str, int] | None]:
    """The run without what may not leave, and what was taken out of it by kind: when it was stored, and just now.

    `None` in place of the latter where it was not counted as the run was stored.
    """
    found: Counter[str] = Counter()

    def clean(said: str) -> str:
        raw = bounded(said)
        shown = redact(raw, secrets)
        if shown != raw:
            found.update(taken(raw, shown))
        return bounded(shown, LONGEST_SHOWN)

    done: dict[int, Any] = {}  # thousands of trials share a few dozen environments and loads
    clean_run: Run = _cleaned(run, clean, done)
    if run.meta.redacted is None:
        return clean_run, None
    earlier = (each.redacted for records in (run.trials, run.environments) for each in records)
    return clean_run, together(found, run.meta.redacted, *earlier)


def _cleaned(value: Any, clean: Clean, done: dict[int, Any]) -> Any:
    if isinstance(value, tuple):
        return tuple(_cleaned(each, clean, done) for each in value)
    if isinstance(value, Mapping):
        return {digest(key, clean): _cleaned(each, clean, done) for key, each in value.items()}
    if not is_dataclass(value) or isinstance(value, type):
        return value
    if id(value) in done:
        return done[id(value)]
    table = CLASSES.get(type(value), {})
    changes: dict[str, Any] = {}
    for field in fields(value):
        way, before = table.get(field.name), getattr(value, field.name)
        if way is None:
            raise Unlisted(f"{type(value).__name__}.{field.name} is in no table of report/cleaning.py")
        after = _cleaned(before, clean, done) if way is _part else way(before, clean)  # what is shared is cleaned once
        after = tuple(after) if isinstance(before, tuple) and isinstance(after, list) else after
        after = before if isinstance(before, Mapping) and after == before else after
        if after is not before and after != before:
            changes[field.name] = after
    done[id(value)] = replace(value, **changes) if changes else value
    return done[id(value)]
