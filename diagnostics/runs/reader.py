"""Reads a run folder. Promises a whole `Run`, or one line that says which file and which line is wrong.

A run that was killed may leave half a line at the end of `trials.jsonl`: that one is left out and counted in
`Run.warnings`. Anything else that is wrong is an error, because a report over half the records would look complete.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from dataclasses import astuple, replace
from pathlib import Path
from typing import Any, TypeVar

from diagnostics.model.cell import Environment
from diagnostics.model.event import EVENTS_SUFFIX, Event, checked
from diagnostics.model.finding import FINDINGS_SCHEMA
from diagnostics.model.trial import Trial
from diagnostics.model.words import FINDING_KINDS, SEVERITIES, STATUSES
from diagnostics.runs.records import EnvironmentRow, Run, RunMeta
from diagnostics.runs.sweeps import sweeps_of
from diagnostics.runs.upgrade import upgraded

RUN_SCHEMA = "diagnostics.run/1"
TRIALS, ENVIRONMENTS, META = "trials.jsonl", "environments.json", "run.json"
TIMELINES, SWEEPS = "timelines", "phase6.json"

_CUT_OFF = object()
_Read = TypeVar("_Read")


class RunError(Exception):
    """A run folder that cannot be read; the message is one line and says what to do next."""


def read_run(folder: Path) -> Run:
    """Everything that a run folder holds.

    Raises:
        RunError: the folder or a file is missing, or a file does not have its form.
    """
    if not folder.is_dir():
        raise RunError(f"{folder}: no such run folder; name one of those below reports/, such as reports/latest")
    meta = _parsed(folder / META, _meta)
    environments = _parsed(folder / ENVIRONMENTS, _environments)
    trials, warnings = _trials(folder / TRIALS)
    keys = [trial.key for trial in trials if trial.instrumented]
    timelines = {key: events for key in keys if (events := _timeline(folder / TIMELINES / (key + EVENTS_SUFFIX)))}
    sweeps = _parsed(folder / SWEEPS, sweeps_of) if (folder / SWEEPS).is_file() else ()
    return Run(trials, environments, meta, warnings, timelines, sweeps)


def read_findings(path: Path, clean: Callable[[str], str]) -> dict[str, Any]:
    """A document of schema `diagnostics.findings/1`, as `diagnostics run --json` writes it.

    Args:
        path: the file.
        clean: takes secrets out of a text; every text of the document passes through it.

    Raises:
        RunError: it is none, or a finding in it does not have its form.
    """
    found = _parsed(path, _findings, "write it again with diagnostics run --json")
    return dict(_cleaned(found, clean))


def _findings(data: Any) -> dict[str, Any]:
    if data["schema"] != FINDINGS_SCHEMA:
        raise ValueError(f"not a document of schema {FINDINGS_SCHEMA}")
    for finding in data["findings"]:
        _check_finding(finding)
    return dict(data)


def _check_finding(finding: Any) -> None:
    """What a format relies on."""
    if finding["kind"] not in FINDING_KINDS or finding["severity"] not in SEVERITIES:
        raise ValueError(f"unknown finding {finding['kind']!r} of severity {finding['severity']!r}")
    if not isinstance(finding["message"], str) or not _is_count(finding["count"]):
        raise ValueError("a finding has a message and a count")
    owners = [finding.get(name) or {} for name in ("fault", "client", "access")]
    for site in filter(None, (owner.get(name) for owner in owners for name in ("site", "created_at"))):
        if not isinstance(site["file"], str) or not _is_count(site["line"]):
            raise ValueError("a place has a file and a line")


def _cleaned(value: Any, clean: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, dict):
        return {clean(name): _cleaned(each, clean) for name, each in value.items()}
    return [_cleaned(each, clean) for each in value] if isinstance(value, list) else value


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise RunError(f"{path}: {error.strerror or error}; is this the folder of a run?") from error


def _parsed(
    path: Path, read: Callable[[Any], _Read], advice: str = "take a copy of it from where the run was made"
) -> _Read:
    try:
        return read(upgraded(json.loads(_bytes(path))))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise RunError(f"{path}: {_why(error)}; {advice}") from error


def _trials(path: Path) -> tuple[tuple[Trial, ...], tuple[str, ...]]:
    lines = _bytes(path).split(b"\n")
    last = max((number for number, line in enumerate(lines, start=1) if line.strip()), default=0)
    trials: list[Trial] = []
    known: dict[str, Environment] = {}  # thousands of trials share a few dozen environments
    for number, data in _objects(lines, path, last):
        if data is _CUT_OFF:
            return tuple(trials), (f"1 line left out: line {number} of {path.name} is cut off",)
        try:
            trial = Trial.from_json(upgraded(data))
            _check(trial)
        except ValueError as error:
            raise RunError(f"{path}: line {number}: {_why(error)}; remove that line to go on without it") from error
        environment = known.setdefault(trial.environment.name, trial.environment)
        trials.append(replace(trial, environment=environment, redacted=_counts(trial.redacted)))
    return tuple(trials), ()


def _timeline(path: Path) -> tuple[Event, ...]:
    """The events of a trial; none where it kept none."""
    if not path.is_file():
        return ()
    try:
        events = [checked(Event.from_json(json.loads(line))) for line in _bytes(path).splitlines() if line.strip()]
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise RunError(f"{path}: {_why(error)}; remove that file to go on without it") from error
    return tuple(events)


def _objects(lines: list[bytes], path: Path, last: int) -> Iterator[tuple[int, Any]]:
    """Each line that is not empty with its number from 1; `_CUT_OFF` for a last line that is not JSON."""
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            data = json.loads(line)
        except (ValueError, RecursionError) as error:
            if number != last:
                why = f"{path}: line {number}: not JSON ({_why(error)}); remove that line to go on without it"
                raise RunError(why) from error
            data = _CUT_OFF
        yield number, data


def _check(trial: Trial) -> None:
    """The types that `Trial.from_json` takes on trust and the view does arithmetic with."""
    cell, environment = trial.cell, trial.environment
    words = (trial.key, trial.mode, cell.provider, cell.scenario, cell.fix, environment.name, environment.python)
    packages = (*environment.packages, *environment.packages.values())
    optional = [word for word in (trial.evidence, trial.reason) if word is not None]
    if not all(isinstance(word, str) for word in (*words, *packages, *optional)):
        raise ValueError("a name, a version or a text is not a string")
    numbers = (trial.trial, *astuple(trial.accounting), *(finding.count for finding in trial.findings))
    if not all(_is_count(number) for number in numbers):
        raise ValueError("a number is missing, negative or not finite")


def _is_count(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and value >= 0


def _environments(data: Any) -> tuple[EnvironmentRow, ...]:
    if not isinstance(data, list):
        raise TypeError("a list of environments was expected")
    return tuple(_environment(row) for row in data)


def _environment(row: Any) -> EnvironmentRow:
    if row["status"] not in STATUSES:
        raise ValueError(f"status {row['status']!r} is not one of {', '.join(STATUSES)}")
    return EnvironmentRow(
        label="",
        name=str(row["name"]),
        slug=str(row.get("slug") or row["name"]),
        status=row["status"],
        reason=None if row.get("reason") is None else str(row["reason"]),
        python=str(row.get("python") or ""),
        packages={str(name): str(version) for name, version in (row.get("packages") or {}).items()},
        redacted=_counts(row.get("redacted")),
    )


def _meta(data: Any) -> RunMeta:
    if not isinstance(data, dict):
        raise TypeError("an object was expected")
    if data["schema"] != RUN_SCHEMA:
        raise ValueError(f"not a record of schema {RUN_SCHEMA}")
    machine = data["machine"]
    if not _is_count(data["seconds"]) or not _is_count(data["trial_seconds"]):
        raise ValueError("seconds and trial_seconds must be numbers")
    return RunMeta(
        started=str(data["started"]),
        finished=None if data["finished"] is None else str(data["finished"]),
        system=str(machine["system"]),
        cpus=machine["cpus"] if _is_count(machine["cpus"]) else None,
        python=str(machine["python"]),
        command=tuple(str(word) for word in data["command"]),
        profile=str(data["profile"]),
        seconds=float(data["seconds"]),
        trial_seconds=float(data["trial_seconds"]),
        redacted=None if data.get("redacted") is None else _counts(data["redacted"]),
    )


def _counts(data: Any) -> dict[str, int]:
    """What was taken out, by kind; earlier runs did not say."""
    counts = dict(data or {})
    if not all(isinstance(kind, str) and _is_count(count) for kind, count in counts.items()):
        raise ValueError("a count of what was taken out is not one")
    return counts


def _why(error: Exception) -> str:
    """One line, also where the parser's own message has several."""
    said = f"the field {error} is missing" if isinstance(error, KeyError) else str(error)
    return " ".join(said.split()) or type(error).__name__
