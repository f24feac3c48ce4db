"""Reads a run folder. Promises a whole `Run`, or one line that names the file, the line and the field that is wrong.

That line is the message of a `RunError`, which is also raised if a file is missing.

A run that was killed may leave half a line at the end of `trials.jsonl`: that one is left out and counted in
`Run.warnings`. Anything else that is wrong is an error, because a report over half the records would look complete.
Folders of schema `/1` are upgraded in memory.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from diagnostics.model.cell import Environment
from diagnostics.model.codec import RecordError, decode, encode, parse
from diagnostics.model.event import Event
from diagnostics.model.finding import FINDINGS_SCHEMA, Finding, RootCause
from diagnostics.model.trial import Trial
from diagnostics.model.words import FINDING_KINDS, SEVERITIES
from diagnostics.runs.bounded import FileRefused, read_bytes, read_lines
from diagnostics.runs.layout import ENVIRONMENTS, RUN, TRIALS, phase_file, timeline_file
from diagnostics.runs.records import EnvironmentRow, Run, RunMeta
from diagnostics.runs.sweeps import sweeps_of
from diagnostics.runs.upgrade import embedded_environment, upgraded, upgraded_rows

_Read = TypeVar("_Read")
_COPY = "take a copy of it from where the run was made"
_KEY = re.compile(r"[0-9a-f]{16}")  # part of a file's name
_LINE = "remove that line to go on without it"


class RunError(Exception):
    """A run folder that cannot be read; the message is one line and says what to do next."""


def read_run(folder: Path) -> Run:
    """Everything that a run folder holds.

    Raises:
        RunError: the folder or a file is missing, or a file does not have its form.
    """
    if not folder.is_dir():
        raise RunError(f"{folder}: no such run folder; name one of those below reports/, such as reports/latest")
    meta, environments = read_meta(folder), read_environments(folder)
    trials, warnings = read_trials(folder, environments)
    keys = [trial.key for trial in trials if trial.instrumented and _KEY.fullmatch(trial.key)]
    timelines = {key: events for key in keys if (events := _timeline(timeline_file(folder, key)))}
    phase6 = phase_file(folder, 6)
    sweeps = _parsed(phase6, lambda data: sweeps_of(upgraded(data))) if phase6.is_file() else ()
    return Run(trials, environments, meta, warnings, timelines, sweeps)


def read_meta(folder: Path) -> RunMeta:
    """The `run.json` of a folder."""
    return _parsed(folder / RUN, lambda data: decode(RunMeta, upgraded(data)))


def read_environments(folder: Path) -> tuple[EnvironmentRow, ...]:
    """The `environments.json` of a folder."""

    def rows(data: Any) -> tuple[EnvironmentRow, ...]:
        if not isinstance(data, list):
            raise RecordError("expected a list of environments")
        return tuple(decode(EnvironmentRow, row) for row in upgraded_rows(data))

    return _parsed(folder / ENVIRONMENTS, rows)


def read_trials(
    folder: Path, environments: Sequence[EnvironmentRow], *, strict: bool = False
) -> tuple[tuple[Trial, ...], tuple[str, ...]]:
    """The trials of a folder in the order in which they ended, and a warning where the last line is cut off.

    Args:
        strict: a last line that is not JSON is an error like any other.

    Raises:
        RunError: the file is missing, or a line does not have its form.
    """
    path = folder / TRIALS
    known = {row.name: row.environment for row in environments}
    trials: list[Trial] = []
    try:
        for number, line, is_last in read_lines(path):
            data = _json(path, number, line, is_cut_off=is_last and not strict and not line.endswith(b"}\n"))
            if data is None:
                return tuple(trials), (f"1 line left out: line {number} of {path.name} is cut off",)
            trials.append(_trial(path, number, data[0], known))
    except (OSError, FileRefused) as error:
        raise _refused(path, error) from error
    return tuple(trials), ()


def read_lock(path: Path) -> str:
    """The lock of an environment."""
    try:
        return _bytes(path).decode()
    except UnicodeDecodeError as error:
        raise RunError(f"{path}: {error}; {_COPY}") from error


def stored_trials(folder: Path) -> tuple[Trial, ...]:
    """The trials of a folder alone."""
    rows = read_environments(folder) if (folder / ENVIRONMENTS).exists() else ()
    return read_trials(folder, rows)[0]


def read_findings(path: Path, clean: Callable[[str], str]) -> dict[str, Any]:
    """A findings document, as `diagnostics run --json` writes it.

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
    findings = [decode(Finding, each) for each in data["findings"]]
    causes = [decode(RootCause, each) for each in data["root_causes"]]
    ids = {finding.id for finding in findings}
    every: list[Finding | RootCause] = [*findings, *causes]
    for each in every:
        if each.kind not in FINDING_KINDS or each.severity not in SEVERITIES:
            raise ValueError(f"unknown finding {each.kind!r} of severity {each.severity!r}")
    if not all(cause.findings and ids.issuperset(cause.findings) for cause in causes):
        raise ValueError("a root cause names findings that are missing")
    return {**data, "findings": [*map(encode, findings)], "root_causes": [*map(encode, causes)]}


def _cleaned(value: Any, clean: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, dict):
        return {clean(name): _cleaned(each, clean) for name, each in value.items()}
    return [_cleaned(each, clean) for each in value] if isinstance(value, list) else value


def _refused(path: Path, error: OSError | FileRefused) -> RunError:
    why = str(error) if isinstance(error, FileRefused) else error.strerror or error
    return RunError(f"{path}: {why}; is this the folder of a run?")


def _bytes(path: Path) -> bytes:
    try:
        return read_bytes(path)
    except (OSError, FileRefused) as error:
        raise _refused(path, error) from error


def _parsed(path: Path, read: Callable[[Any], _Read], advice: str = _COPY) -> _Read:
    content = _bytes(path)
    if not content.strip():
        raise RunError(f"{path}: it is empty; {advice}")
    try:
        return read(parse(content))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise RunError(f"{path}: {_why(error)}; {advice}") from error


def _json(path: Path, number: int, line: bytes, *, is_cut_off: bool) -> tuple[Any] | None:
    """What a line holds; `None` where it is not JSON and may be cut off."""
    try:
        return (parse(line),)
    except RecordError as error:
        if is_cut_off:
            return None
        raise RunError(f"{path}: line {number}: {_why(error)}; {_LINE}") from error


def _trial(path: Path, number: int, data: Any, known: dict[str, Environment]) -> Trial:
    """A trial; the environment that one of schema 1 embeds is added to the known ones."""
    try:
        embedded = embedded_environment(data)
        if embedded is not None and str(embedded.get("name")) not in known:
            environment = decode(Environment, embedded)
            known[environment.name] = environment
        return decode(Trial, upgraded(data), known)
    except RecordError as error:
        raise RunError(f"{path}: line {number}: {_why(error)}; {_LINE}") from error


def _timeline(path: Path) -> tuple[Event, ...]:
    """The events of a trial; none where it kept none."""
    if not path.is_file():
        return ()
    try:
        return tuple(decode(Event, parse(line)) for line in _bytes(path).splitlines() if line.strip())
    except ValueError as error:
        raise RunError(f"{path}: {_why(error)}; remove that file to go on without it") from error


def _why(error: Exception) -> str:
    """One line, also where the parser's own message has several."""
    text = f"the field {error} is missing" if isinstance(error, KeyError) else str(error)
    return " ".join(text.split()) or type(error).__name__
