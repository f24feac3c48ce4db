"""Joins the results of several runs into one, as if one machine had played them all, or says why they do not belong.

What is the same is there once. What contradicts itself is refused, because a verdict over it would be about nothing:
other forms of records, another profile, forked and cold trials of the same cells, an environment that was installed in
two ways, a trial that came out in two ways. Different loads do not matter: no verdict looks across them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from diagnostics.model.trial import TRIAL_SCHEMA, Trial
from diagnostics.redaction.kinds import together as together_counts
from diagnostics.runs.upgrade import upgraded
from diagnostics.runs.writer import ENVIRONMENTS, RUN, TRIALS, Store, StoreError, dump, read_trials

RUN_SCHEMA = "diagnostics.run/1"
AT_ONCE = 1000
"""Trials that are written at once."""

_META = ("started", "finished", "machine", "profile", "seconds", "trial_seconds")
_ROW = ("name", "slug", "status", "python", "packages")


class MergeError(Exception):
    """These runs do not belong together, or one of them cannot be read; one line that says which and why."""


@dataclass(frozen=True)
class MergedRun:
    """One run.

    Attributes:
        name: how it is called in messages and in the merged run.
        meta: its `run.json`.
        rows: its `environments.json`.
        trials: its trials, in the order in which they ended.
        locks: environment to what is installed in it, where the run has kept that.
    """

    name: str
    meta: Mapping[str, Any]
    rows: Sequence[Mapping[str, Any]]
    trials: Sequence[Trial]
    locks: Mapping[str, str]


def read_parts(folders: Sequence[Path]) -> list[MergedRun]:
    """Run folders, each called by as much of the end of its path as tells it from the others.

    Raises:
        MergeError: one is named twice, is none, or holds records of another form.
    """
    places = [folder.resolve() for folder in folders]
    for place, folder in zip(places, folders, strict=True):
        if places.count(place) > 1:
            raise MergeError(f"{folder} is named twice: name each run once")
    depth = 1
    while len({place.parts[-depth:] for place in places}) < len(places):
        depth += 1
    return [read_part(folder, "/".join(place.parts[-depth:])) for folder, place in zip(folders, places, strict=True)]


def read_part(folder: Path, name: str) -> MergedRun:
    """A run folder.

    Raises:
        MergeError: it is none, or holds records of another form.
    """
    meta, rows = _json(folder / RUN, dict), _json(folder / ENVIRONMENTS, list)
    if meta.get("schema") != RUN_SCHEMA:
        raise MergeError(
            f"{folder} is of schema {meta.get('schema')!r}, not {RUN_SCHEMA!r}: merge it where it was made"
        )
    lacking = [f"{RUN} without {word}" for word in _META if word not in meta]
    lacking += [f"{ENVIRONMENTS} without {word}" for row in rows for word in _ROW if word not in row]
    if lacking:
        raise MergeError(f"{folder} has a {lacking[0]}: take a copy of it from where the run was made")
    _check_schema(folder / TRIALS)
    try:
        trials = tuple(read_trials(folder / TRIALS))
    except StoreError as error:
        raise MergeError(str(error)) from None
    locks = {path.stem: path.read_text(encoding="utf-8") for path in sorted((folder / "environments").glob("*.txt"))}
    return MergedRun(name, meta, rows, trials, locks)


def join(parts: Sequence[MergedRun]) -> MergedRun:
    """All parts as one, called `merged`.

    Raises:
        MergeError: they do not belong together.
    """
    first = parts[0]
    for part in parts[1:]:
        if part.meta["profile"] != first.meta["profile"]:
            raise MergeError(
                f"{first.name} is of the profile {first.meta['profile']}, {part.name} of {part.meta['profile']}: "
                "merge those of one profile"
            )
    trials = _trials(parts)
    return MergedRun("merged", _meta(parts, trials), _rows(parts), list(trials.values()), _locks(parts))


def write(merged: MergedRun, folder: Path) -> None:
    """Makes a run folder of a merged run.

    Raises:
        MergeError: the folder holds a run already.
        StoreError: the disk refuses.
    """
    if (folder / TRIALS).exists():
        raise MergeError(f"{folder} holds a run already: name another folder with --out")
    with Store(folder) as store:
        for start in range(0, len(merged.trials), AT_ONCE):
            store.append(*merged.trials[start : start + AT_ONCE])
        for name, lock in merged.locks.items():
            store.write(f"environments/{name}.txt", lock)
        store.write(ENVIRONMENTS, dump([dict(row) for row in merged.rows]))
        store.write(RUN, dump(merged.meta))


def _trials(parts: Sequence[MergedRun]) -> dict[str, Trial]:
    kept: dict[str, tuple[Trial, MergedRun]] = {}
    modes: dict[tuple[str, ...], tuple[str, MergedRun]] = {}
    for part in parts:
        for trial in part.trials:
            mode, where = modes.setdefault(trial.cell.subject, (trial.mode, part))
            if mode != trial.mode:
                raise MergeError(
                    f"{where.name} has trials of {' '.join(trial.cell.subject)} in mode {mode}, {part.name} in mode "
                    f"{trial.mode}: their times cannot be compared; merge runs of one mode"
                )
            other, where = kept.setdefault(trial.key, (trial, part))
            if other.status == "broken" and trial.status != "broken":
                kept[trial.key] = trial, part  # where the harness failed, nothing was said
            elif trial.status != "broken" and _said(other) != _said(trial):
                raise MergeError(
                    f"trial {trial.key} is {other.symptom or other.status} in {where.name} and "
                    f"{trial.symptom or trial.status} in {part.name}: leave one of them out"
                    if (other.symptom, other.status) != (trial.symptom, trial.status)
                    else f"trial {trial.key} is not the same in {where.name} and {part.name}: leave one of them out"
                )
    return {key: trial for key, (trial, _) in kept.items()}


def _said(trial: Trial) -> Trial:
    """A trial without what differs from machine to machine although the same thing happened."""
    accounting = replace(trial.accounting, seconds=0.0)
    return replace(trial, evidence=None, accounting=accounting, reason=trial.reason and "", redacted={})


def _rows(parts: Sequence[MergedRun]) -> list[Mapping[str, Any]]:
    kept: dict[str, tuple[Mapping[str, Any], MergedRun]] = {}
    for part in parts:
        for row in part.rows:
            slug = row["slug"]
            other, where = kept.setdefault(slug, (row, part))
            if other["status"] != "ran":
                if row["status"] == "ran":  # one machine could, and that says more
                    kept[slug] = row, part
            elif row["status"] == "ran" and (row["name"], row["packages"]) != (other["name"], other["packages"]):
                raise MergeError(
                    f"{slug} is {other['name']} (Python {other['python']}) in {where.name} and {row['name']} "
                    f"(Python {row['python']}) in {part.name}: give all machines the same Pythons and locks"
                )
    return [row for row, _ in kept.values()]


def _locks(parts: Sequence[MergedRun]) -> dict[str, str]:
    kept: dict[str, str] = {}
    for part in parts:
        for name, lock in part.locks.items():
            if kept.setdefault(name, lock) != lock:
                raise MergeError(f"the lock of {name} in {part.name} is not that of the others: it was changed by hand")
    return kept


def _meta(parts: Sequence[MergedRun], trials: Mapping[str, Trial]) -> dict[str, Any]:
    metas = [part.meta for part in parts]
    machines = [meta["machine"] for meta in metas]
    finished = [meta["finished"] for meta in metas]

    def together(what: str) -> str:
        return ", ".join(dict.fromkeys(str(machine[what]) for machine in machines))

    cpus = {machine["cpus"] for machine in machines}
    counts = [meta.get("redacted") for meta in metas]
    return {
        "schema": RUN_SCHEMA,
        "started": min(meta["started"] for meta in metas),
        "finished": None if None in finished else max(finished),
        "machine": {
            "system": together("system"),
            "cpus": cpus.pop() if len(cpus) == 1 else None,
            "python": together("python"),
        },
        "command": ["python", "-m", "diagnostics", "merge", *(part.name for part in parts)],
        "profile": metas[0]["profile"],
        "seconds": round(sum(meta["seconds"] for meta in metas), 3),
        "trial_seconds": round(sum(meta["trial_seconds"] for meta in metas), 3),
        **({} if None in counts else {"redacted": together_counts(*(count or {} for count in counts))}),
        "trials": len(trials),
        "merged": [
            {"run": part.name, "trials": len(part.trials), "started": part.meta["started"], "machine": machine}
            for part, machine in zip(parts, machines, strict=True)
        ],
    }


def _json(path: Path, kind: type) -> Any:
    try:
        value = upgraded(json.loads(path.read_bytes()))
    except OSError as error:
        raise MergeError(f"{path}: {error.strerror or error}; is this the folder of a run?") from None
    except ValueError as error:
        raise MergeError(f"{path} is not JSON ({error}); take a copy of it from where the run was made") from None
    if not isinstance(value, kind):
        raise MergeError(f"{path} is not what a run writes; take a copy of it from where the run was made")
    return value


def _check_schema(path: Path) -> None:
    """A line of another schema is not a broken line: it is said which schema it is."""
    try:
        with path.open("rb") as lines:
            schema = json.loads(next(lines, b"{}")).get("schema", TRIAL_SCHEMA)
    except (OSError, ValueError, AttributeError):
        return  # who reads the trials says what is wrong
    if schema != TRIAL_SCHEMA:
        raise MergeError(f"{path} holds records of schema {schema!r}, not {TRIAL_SCHEMA!r}: merge it where it was made")
