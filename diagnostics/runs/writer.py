"""The run folder: `trials.jsonl`, one whole line a trial, and the files beside it.

Whatever is written passes through `redaction.files`: records by the tables of what may leave, texts through patterns.

A line is appended in one write and flushed to the disk before the next, so a run that was killed has lost at most the
line it was writing. Opening a store for appending cuts such a line off; the trial simply runs again.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime, timezone
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from filelock import FileLock, Timeout

from diagnostics.model.trial import RecordError, Trial
from diagnostics.redaction import Secrets, files
from diagnostics.runs.upgrade import upgraded

TRIALS = "trials.jsonl"
ENVIRONMENTS = "environments.json"
RUN = "run.json"

_Json = TypeVar("_Json", list[Any], dict[str, Any])


class StoreError(Exception):
    """A run folder cannot be read or written; the message says what to do."""


class Store:
    """A run folder that is open for appending; only one process at a time can have it so.

    Args:
        folder: made if it is not there.
        hidden: what is taken out of whatever is written; what this process knows, by default.

    Raises:
        StoreError: another run has it, a line in it is broken, or the disk refuses.
    """

    def __init__(self, folder: Path, hidden: Secrets | None = None) -> None:
        self.folder = folder
        self._hidden = hidden or Secrets.of_this_machine()
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._lock = FileLock(folder / ".lock")
            self._lock.acquire(timeout=0)
        except Timeout:
            raise StoreError(
                f"another run is writing {folder}: wait for it, or leave --resume out to start a new one"
            ) from None
        except OSError as error:
            raise unwritable(folder, error) from error
        try:
            self.done = {trial.key: trial.status for trial in recover(folder / TRIALS)}
            self._file = os.open(folder / TRIALS, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        except BaseException:
            self._lock.release()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._file)
        # The lock's file stays: whoever waits for it has it open, and would not see one that is made anew.
        self._lock.release()

    def append(self, *trials: Trial) -> None:
        """Adds trials; they are on the disk when this returns.

        Raises:
            StoreError: the disk is full or gone. What was appended before is whole.
        """
        place = self.folder / TRIALS
        lines = "".join(files.cleaned(place, json.dumps(trial.to_json()), self._hidden) for trial in trials).encode()
        start = os.fstat(self._file).st_size
        try:
            written = os.write(self._file, lines)
            if written == len(lines):
                os.fsync(self._file)
                self.done.update((trial.key, trial.status) for trial in trials)
                return
            reason = "the disk is full"
        except OSError as error:
            reason = error.strerror or str(error)
        os.ftruncate(self._file, start)
        raise StoreError(f"{self.folder / TRIALS} cannot be written ({reason}): make room, then go on with --resume")

    def write(self, name: str, content: str) -> None:
        """Writes a file of the run, whole or not at all.

        Raises:
            StoreError: the disk refuses.
        """
        write_whole(self.folder / name, content, self._hidden)

    def read(self, name: str, otherwise: _Json) -> _Json:
        """A JSON file of the run as an earlier part of it left it; `otherwise` where there is none of that kind."""
        return read_json(self.folder / name, otherwise)


def read_json(file: Path, otherwise: _Json) -> _Json:
    """A JSON file of a run; `otherwise` where there is none of that kind."""
    try:
        value = upgraded(json.loads(file.read_bytes()))
    except (OSError, ValueError):
        return otherwise
    return value if isinstance(value, type(otherwise)) else otherwise


def unwritable(path: Path, error: OSError) -> StoreError:
    """What is said where the disk refuses before anything was stored."""
    return StoreError(f"{path} cannot be written ({error.strerror}): choose another place with --reports")


def write_whole(path: Path, content: str, hidden: Secrets | None = None, *, like: str | None = None) -> None:
    """Writes a file of a run so that it is either the old one or the new one, without what may not leave.

    Args:
        hidden: what is taken out; what this process knows, by default.
        like: the name whose rules count, where the file's own is a person's choice.

    Raises:
        StoreError: the disk refuses.
        Unlisted: nothing says which of its fields may leave.
    """
    try:
        files.write(path, content, hidden or Secrets.of_this_machine(), like=like)
    except OSError as error:
        raise StoreError(f"{path} cannot be written ({error.strerror}): make room or choose another place") from error


def read_trials(file: Path) -> Iterator[Trial]:
    """The trials of a file in the order in which they ended; a last line that was cut off is passed over.

    Raises:
        StoreError: a line before the last is broken, or the file cannot be read.
    """
    try:
        with file.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                if not line.endswith(b"\n"):
                    return
                try:
                    yield Trial.from_json(upgraded(json.loads(line)))
                except (ValueError, RecordError) as error:
                    raise StoreError(
                        f"{file}, line {number} is not a trial ({error}): remove it, its trial runs again with --resume"
                    ) from error
    except FileNotFoundError:
        return
    except OSError as error:
        raise StoreError(f"{file} cannot be read ({error.strerror})") from error


def recover(file: Path) -> Iterator[Trial]:
    """Reads a file for going on with it: what follows the last whole line is cut off first."""
    try:
        with file.open("rb+") as stream:
            content_end = 0
            for line in stream:
                if line.endswith(b"\n"):
                    content_end += len(line)
            stream.truncate(content_end)
    except FileNotFoundError:
        return
    except OSError as error:
        raise unwritable(file, error) from error
    yield from read_trials(file)


def new_run(reports: Path) -> Path:
    """Makes the folder of a new run, named by the time in UTC; two that start in the same second get one each.

    Raises:
        StoreError: the disk refuses.
    """
    name = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H-%M-%SZ")
    for folder in (reports / name, reports / f"{name}-{secrets.token_hex(4)}"):
        try:
            folder.mkdir(parents=True)
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
    """Makes `latest` beside a run folder point to it; where links are not to be had, a file that holds its name."""
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


def dump(value: Mapping[str, Any] | list[Any]) -> str:
    """JSON as the files of a run have it."""
    return json.dumps(value, indent=1, ensure_ascii=False) + "\n"
