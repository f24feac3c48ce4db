"""The names of the files in a run folder, each given once."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from diagnostics.model.event import EVENTS_SUFFIX

RUN: Final = "run.json"
ENVIRONMENTS: Final = "environments.json"
TRIALS: Final = "trials.jsonl"
SUMMARY: Final = "summary.json"
LOCK: Final = ".lock"

_LOCKS, _TIMELINES = "environments", "timelines"


def lock_file(folder: Path, environment: str) -> Path:
    """The lock of an environment: what is installed in it, with hashes."""
    return folder / _LOCKS / f"{environment}.txt"


def lock_files(folder: Path) -> list[Path]:
    """The locks of a run, each named after its environment, in order of their names."""
    return sorted((folder / _LOCKS).glob("*.txt"))


def timeline_file(folder: Path, key: str) -> Path:
    """The events of one trial, one JSON object a line."""
    return folder / _TIMELINES / f"{key}{EVENTS_SUFFIX}"


def phase_file(folder: Path, number: int, suffix: str = ".json") -> Path:
    """What a phase of the debugging plan found: `.json`, `.md` or the events of its trials."""
    return folder / f"phase{number}{suffix}"
