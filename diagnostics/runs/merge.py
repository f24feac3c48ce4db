"""Joins the results of several runs into one, as if one machine had played them all, or says why they do not belong.

What is the same is there once. What contradicts itself is refused, because a verdict over it would be about nothing:
other forms of records, another profile, forked and cold trials of the same cells, an environment that was installed in
two ways, a trial that came out in two ways. Different loads do not matter: no verdict looks across them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from diagnostics.model.machine import Machine
from diagnostics.model.placeholders import together as together_counts
from diagnostics.model.trial import Trial
from diagnostics.runs.layout import TRIALS, lock_files
from diagnostics.runs.reader import RunError, read_environments, read_lock, read_meta, read_trials
from diagnostics.runs.records import EnvironmentRow, MergedPart, RunMeta
from diagnostics.runs.writer import Store

AT_ONCE = 1000
"""Trials that are written at once."""


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
    meta: RunMeta
    rows: Sequence[EnvironmentRow]
    trials: Sequence[Trial]
    locks: Mapping[str, str]


def read_parts(folders: Sequence[Path]) -> list[MergedRun]:
    """Run folders, each called by as much of the end of its path as tells it from the others.

    Raises:
        MergeError: one is named twice or cannot be read.
    """
    paths = [folder.resolve() for folder in folders]
    for place, folder in zip(paths, folders, strict=True):
        if paths.count(place) > 1:
            raise MergeError(f"{folder} is named twice: name each run once")
    depth = 1
    while len({place.parts[-depth:] for place in paths}) < len(paths):
        depth += 1
    return [read_part(folder, "/".join(place.parts[-depth:])) for folder, place in zip(folders, paths, strict=True)]


def read_part(folder: Path, name: str) -> MergedRun:
    """A run folder.

    Raises:
        MergeError: it cannot be read.
    """
    try:
        meta, rows = read_meta(folder), read_environments(folder)
        trials, _ = read_trials(folder, rows)
        locks = {path.stem: read_lock(path) for path in lock_files(folder)}
    except RunError as error:
        raise MergeError(str(error)) from None
    return MergedRun(name, meta, rows, trials, locks)


def join(parts: Sequence[MergedRun]) -> MergedRun:
    """All parts as one, called `merged`.

    Raises:
        MergeError: they do not belong together.
    """
    first = parts[0]
    for part in parts[1:]:
        if part.meta.profile != first.meta.profile:
            raise MergeError(
                f"{first.name} is of the profile {first.meta.profile}, {part.name} of {part.meta.profile}: "
                "merge those of one profile"
            )
    trials = _trials(parts)
    return MergedRun("merged", _meta(parts), _rows(parts), list(trials.values()), _locks(parts))


def write(merged: MergedRun, folder: Path) -> None:
    """Makes a run folder of a merged run.

    Raises:
        MergeError: the folder holds a run already.
    """
    if (folder / TRIALS).exists():
        raise MergeError(f"{folder} holds a run already: name another folder with --out")
    with Store(folder) as store:
        store.put_environments(*merged.rows)
        for start in range(0, len(merged.trials), AT_ONCE):
            store.append(*merged.trials[start : start + AT_ONCE])
        for name, lock in merged.locks.items():
            store.put_lock(name, lock)
        store.put_meta(merged.meta)


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


def _rows(parts: Sequence[MergedRun]) -> list[EnvironmentRow]:
    kept: dict[str, tuple[EnvironmentRow, MergedRun]] = {}
    for part in parts:
        for row in part.rows:
            other, where = kept.setdefault(row.slug, (row, part))
            if other.status != "ran":
                if row.status == "ran":  # one machine could, and that says more
                    kept[row.slug] = row, part
            elif where is not part and row.status == "ran" and (row.name, row.packages) != (other.name, other.packages):
                raise MergeError(
                    f"{row.slug} is {other.name} (Python {other.python}) in {where.name} and {row.name} "
                    f"(Python {row.python}) in {part.name}: give all machines the same Pythons and locks"
                )
    return [row for row, _ in kept.values()]


def _locks(parts: Sequence[MergedRun]) -> dict[str, str]:
    kept: dict[str, str] = {}
    for part in parts:
        for name, lock in part.locks.items():
            if kept.setdefault(name, lock) != lock:
                raise MergeError(f"the lock of {name} in {part.name} is not that of the others: it was changed by hand")
    return kept


def _meta(parts: Sequence[MergedRun]) -> RunMeta:
    metas = [part.meta for part in parts]
    finished = [meta.finished for meta in metas if meta.finished is not None]
    counts = [meta.redacted for meta in metas]
    return RunMeta(
        started=min(meta.started for meta in metas),
        finished=max(finished) if len(finished) == len(metas) else None,
        machine=_machine([meta.machine for meta in metas]),
        command=("python", "-m", "diagnostics", "merge", *(part.name for part in parts)),
        profile=metas[0].profile,
        seconds=round(sum(meta.seconds for meta in metas), 3),
        trial_seconds=round(sum(meta.trial_seconds for meta in metas), 3),
        redacted=None if None in counts else together_counts(*(count or {} for count in counts)),
        merged=tuple(MergedPart(part.name, len(part.trials), part.meta.started, part.meta.machine) for part in parts),
    )


def _machine(machines: Sequence[Machine]) -> Machine:
    """Several machines as one: what differs is listed."""
    cpus = {machine.cpus for machine in machines}
    return Machine(
        ", ".join(dict.fromkeys(machine.system for machine in machines)),
        cpus.pop() if len(cpus) == 1 else None,
        ", ".join(dict.fromkeys(machine.python for machine in machines)),
    )
