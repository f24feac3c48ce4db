"""Writes a run folder: `trials.jsonl`, one whole line a trial, and the files beside it.

Everything is redacted here, once: records as their field types say, texts as their file names say (`redaction.files`).
Each function that writes raises `StoreError` if the disk refuses.

A line is appended in one write and flushed to the disk before the next, so a run that is killed loses at most the line
it was writing. Opening a store cuts such a line off; its trial runs again. Opening a folder of schema `/1` rewrites it
in the schema of today first.
"""

from __future__ import annotations

import os
import platform
import secrets
import shutil
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Self

from filelock import FileLock, Timeout

from diagnostics.model.event import Event
from diagnostics.model.machine import Machine
from diagnostics.model.trial import Trial
from diagnostics.redaction import Secrets, files
from diagnostics.runs.bounded import LONGEST, FileRefused, open_regular
from diagnostics.runs.layout import ENVIRONMENTS, LOCK, RUN, TRIALS, lock_file, timeline_file
from diagnostics.runs.reader import RunError, read_environments, read_meta, read_trials
from diagnostics.runs.records import EnvironmentRow, RunMeta, RunRequest


class StoreError(Exception):
    """A run folder cannot be read or written; the message says what to do."""


class UnreadableRecord(StoreError):
    """What an earlier run left is missing, or does not have its form."""


class Store:
    """A run folder that is open for appending; only one process at a time can have it so.

    Args:
        folder: made if it is not there.
        hidden: what is taken out of whatever is written; what this process knows, by default.
        about: the `run.json` of a new run, which is there before its first trial: without it, no run can be resumed.
        retry: the statuses of stored trials that are removed, so that they run again.

    Attributes:
        done: the key of each stored trial to its status.
        environments: the rows of `environments.json` by name.
        meta: `run.json` as an earlier part of the run left it; `None` where there is none.

    Raises:
        StoreError: another run has it, a file in it is broken, or the disk refuses.
    """

    def __init__(
        self,
        folder: Path,
        hidden: Secrets | None = None,
        *,
        about: RunMeta | None = None,
        retry: Collection[str] = (),
    ) -> None:
        self.folder = folder
        self._hidden = hidden or Secrets.of_this_machine()
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._lock = FileLock(folder / LOCK)
            self._lock.acquire(timeout=0)
        except Timeout:
            raise StoreError(
                f"another run is writing {folder}: wait for it, or leave --resume out to start a new one"
            ) from None
        except OSError as error:
            raise unwritable(folder, error) from error
        self.environments: dict[str, EnvironmentRow] = {}
        self.meta: RunMeta | None = None
        try:
            self._open(retry)
            if about is not None and self.meta is None:
                write_record(folder / RUN, about, self._hidden)
            with _refused(folder / TRIALS):
                self._file = os.open(folder / TRIALS, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
                files.sync_folder(folder)
        except BaseException:
            self._lock.release()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._file)
        # The lock file stays: a waiting process has it open and would not see a new one.
        self._lock.release()

    def append(self, *trials: Trial) -> None:
        """Adds trials; they are on the disk when this returns.

        Raises:
            StoreError: the disk is full or gone. What was appended before is whole.
        """
        unlisted = {trial.environment.name: trial.environment for trial in trials}.values()
        rows = [EnvironmentRow.of(each) for each in unlisted if each.name not in self.environments]
        if rows:
            self.put_environments(*rows)
        lines = files.lines(trials, self._hidden).encode()
        start = os.fstat(self._file).st_size
        try:
            written = os.write(self._file, lines)
            if written == len(lines):
                os.fsync(self._file)
                self.done.update((trial.key, trial.status) for trial in trials)
                self._used.update(trial.environment.name for trial in trials)
                return
            reason = "the disk is full"
        except OSError as error:
            reason = error.strerror or str(error)
        os.ftruncate(self._file, start)
        raise StoreError(f"{self.folder / TRIALS} cannot be written ({reason}): make room, then go on with --resume")

    def put_environments(self, *rows: EnvironmentRow) -> None:
        """Adds rows to `environments.json`, or replaces those of the same combination that no stored trial names."""
        slugs = {row.slug for row in rows}
        kept = {name: row for name, row in self.environments.items() if row.slug not in slugs or name in self._used}
        self.environments = kept | {row.name: row for row in rows}
        write_record(self.folder / ENVIRONMENTS, list(self.environments.values()), self._hidden)

    def put_meta(self, meta: RunMeta) -> None:
        """Writes `run.json`."""
        write_record(self.folder / RUN, meta, self._hidden)
        self.meta = meta

    def put_lock(self, environment: str, text: str) -> None:
        """Keeps the lock of an environment."""
        write_whole(lock_file(self.folder, environment), text, self._hidden)

    def put_timeline(self, key: str, events: Iterable[Event]) -> None:
        """Keeps the events of a trial."""
        write_lines(timeline_file(self.folder, key), events, self._hidden)

    def _open(self, retry: Collection[str]) -> None:
        """Reads what an earlier part of the run left, and makes it fit to go on with."""
        trials_file = self.folder / TRIALS
        try:
            _cut(trials_file)
            self.meta = read_meta(self.folder) if (self.folder / RUN).exists() else None
            rows = read_environments(self.folder) if (self.folder / ENVIRONMENTS).exists() else ()
            stored = read_trials(self.folder, rows, strict=True)[0] if trials_file.exists() else ()
        except RunError as error:
            raise UnreadableRecord(str(error)) from error
        except FileRefused as error:
            raise UnreadableRecord(f"{trials_file}: {error}; is this the folder of a run?") from error
        except OSError as error:
            raise unwritable(trials_file, error) from error
        trials = [trial for trial in stored if trial.status not in retry]
        self.done = {trial.key: trial.status for trial in trials}
        self._used = {trial.environment.name for trial in trials}
        self.environments = {row.name: row for row in rows}
        for trial in trials:  # a folder of schema 1 may lack rows
            self.environments.setdefault(trial.environment.name, EnvironmentRow.of(trial.environment))
        is_old = bool(stored) and _is_of_schema_1(trials_file)
        if is_old:
            # The rows first: a trial of today names one.
            write_record(self.folder / ENVIRONMENTS, list(self.environments.values()), self._hidden)
        if is_old or len(trials) < len(stored):
            write_lines(trials_file, trials, self._hidden)
        if is_old and self.meta is not None:
            self.put_meta(self.meta)


def _cut(file: Path) -> None:
    """Cuts off what follows the last whole line."""
    with suppress(FileNotFoundError), open_regular(file) as stream:
        start = max(0, stream.seek(0, os.SEEK_END) - LONGEST)
        stream.seek(start)
        found = stream.read(LONGEST).rfind(b"\n")
        if start and found < 0:
            raise FileRefused(f"a line longer than {LONGEST // 2**20} MiB")
        os.truncate(file, start + found + 1)


def _is_of_schema_1(file: Path) -> bool:
    with file.open("rb") as lines:
        return any(b'"diagnostics.trial/1"' in line for line in lines)


def unwritable(path: Path, error: OSError) -> StoreError:
    """What is said where the disk refuses before anything was stored."""
    return StoreError(f"{path} cannot be written ({error.strerror}): choose another place with --reports")


@contextmanager
def _refused(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StoreError(f"{path} cannot be written ({error.strerror}): make room or choose another place") from error


def write_whole(path: Path, content: str, hidden: Secrets | None = None, *, like: str | None = None) -> None:
    """Writes a text file of a run atomically, redacted.

    Args:
        hidden: what is taken out; what this process knows, by default.
        like: the name whose rules count, where the file's own is a person's choice.

    Raises:
        Unlisted: no rule is known for a file of this name.
    """
    with _refused(path):
        files.write(path, content, hidden or Secrets.of_this_machine(), like=like)


def write_record(path: Path, record: Any, hidden: Secrets | None = None) -> None:
    """Writes a record, or a list of them, as JSON: atomically, redacted, and on the disk when this returns."""
    with _refused(path):
        files.write_record(path, record, hidden or Secrets.of_this_machine())


def write_lines(path: Path, records: Iterable[Any], hidden: Secrets | None = None) -> None:
    """Writes records as JSON, one a line: atomically, redacted, and on the disk when this returns."""
    with _refused(path):
        files.write_lines(path, records, hidden or Secrets.of_this_machine())


def new_meta(
    command: Iterable[str],
    profile: str,
    *,
    redacted: Mapping[str, int] | None = None,
    request: RunRequest | None = None,
) -> RunMeta:
    """The `run.json` of a run that starts now on this machine."""
    return RunMeta(
        started=now(),
        finished=None,
        machine=this_machine(),
        command=tuple(command),
        profile=profile,
        seconds=0.0,
        trial_seconds=0.0,
        redacted=redacted,
        request=request,
        as_of=None if request is None else request.as_of,
    )


def this_machine() -> Machine:
    """The machine that this process runs on."""
    return Machine(platform.system(), os.cpu_count(), platform.python_version())


def new_run(reports: Path) -> Path:
    """Makes the folder of a new run, named by the time in UTC; two that start in the same second get one each."""
    name = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H-%M-%SZ")
    for folder in (reports / name, reports / f"{name}-{secrets.token_hex(4)}"):
        try:
            folder.mkdir(parents=True)
            files.sync_folder(reports)
        except FileExistsError:
            continue
        except OSError as error:
            raise unwritable(folder, error) from error
        return folder
    raise StoreError(f"{reports} cannot hold a new run: choose another place with --reports")


@contextmanager
def new_folder(reports: Path) -> Iterator[Path]:
    """As `new_run`, for as long as the block lasts; what has failed before anything was written leaves no folder."""
    folder = new_run(reports)
    try:
        yield folder
    except BaseException:
        with suppress(OSError):  # something was written, and is kept
            folder.rmdir()
        raise


def point_latest(folder: Path) -> None:
    """Makes `latest` beside a run folder point to it; where symlinks are not available, writes a file with its name."""
    link = folder.parent / "latest"
    draft = folder.parent / f".latest.{secrets.token_hex(4)}"
    try:
        draft.symlink_to(folder.name, target_is_directory=True)
    except OSError:
        draft.write_text(folder.name + "\n", encoding="utf-8")
    if link.is_dir() and not link.is_symlink():
        shutil.rmtree(draft, ignore_errors=True)
        draft.unlink(missing_ok=True)
        raise StoreError(f"{link} is a folder, not a link to a run: move it away")
    os.replace(draft, link)
    files.sync_folder(link.parent)


def latest(reports: Path) -> Path:
    """The run that `latest` points to.

    Raises:
        StoreError: there is none.
    """
    link = reports / "latest"
    if link.is_dir():
        return link.resolve()
    if link.is_file():
        return reports / link.read_text(encoding="utf-8").strip()
    raise StoreError(f"there is no run in {reports} yet: start one with `nox -s repro`")


def now() -> str:
    """The time in UTC, to the second."""
    return datetime.now(timezone.utc).isoformat(timespec="seconds")
