"""One run of the matrix, from its request to its report.

Example:
    run = reproduce(RunRequest(openai=("3.54.0",), scenario=("repeated-run",)), RunPart(), progress)
"""

from __future__ import annotations

import os
import platform
import shlex
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Final, NamedTuple

from diagnostics.lab.as_of import parse_day
from diagnostics.lab.combination import MatrixError
from diagnostics.lab.environments import EnvironmentProblem, default_cache
from diagnostics.lab.execution.work import CodeMismatch, ExecutorUnavailable
from diagnostics.lab.own_versions import own_pins
from diagnostics.lab.remote import AddressError, cluster, scheduler_address
from diagnostics.lab.reproduction import run_settings
from diagnostics.lab.run import RunListener, RunSettings, run
from diagnostics.lab.server import ServerError
from diagnostics.model.errors import PROGRAM, CommandError, CommandInterrupted, InvalidInput, InvalidUsage
from diagnostics.model.placeholders import together
from diagnostics.redaction import Secrets, redact, taken
from diagnostics.report.formats.registry import write_reports
from diagnostics.report.markup.escape import one_line
from diagnostics.report.view.phrasing import count
from diagnostics.report.view.view_models import View
from diagnostics.runs import writer as stores
from diagnostics.runs.layout import TRIALS
from diagnostics.runs.reader import RunError, read_meta, stored_trials
from diagnostics.runs.records import RunMeta, RunRequest
from diagnostics.workflows.report import view_of

RETRIED: Final = ("broken", "incompatible", "unrelated")
"""The statuses of trials that can be run again."""

Progress = Callable[[int, int], AbstractContextManager[RunListener]]
"""Opens the listener of a run, given how many environments it has and how many trials are stored already."""


@dataclass(frozen=True)
class RunPart:
    """How a run, or one part of a run that is resumed, is played; it is not kept with the run.

    Attributes:
        reports: where the folder of a new run is made.
        resume: the folder of the run to go on with, or its name in `reports`.
        retry: the statuses of stored trials that run again.
        here: whether the versions of this interpreter run instead of the matrix.
        requirements: files whose versions run instead of the matrix.
        jobs: environments that run at once; by default as many as fit this machine.
        executor: the address of a dask scheduler.
        content: whether prompts and answers stay in what is written.
        command: what a person typed, for the record.
    """

    reports: Path = Path("reports")
    resume: Path | None = None
    retry: tuple[str, ...] = ()
    here: bool = False
    requirements: tuple[Path, ...] = ()
    jobs: int | None = None
    executor: str | None = None
    offline: bool = False
    content: bool = False
    command: tuple[str, ...] = ()


class Reproduction(NamedTuple):
    """A run that is over; `lost` says which trials need to run again, if the harness itself lost something."""

    view: View
    folder: Path
    lost: str | None


def reproduce(
    request: RunRequest, part: RunPart, progress: Progress, given: Collection[str] | None = None
) -> Reproduction:
    """Runs what a request asks for, and writes the report.

    Args:
        progress: opens the listener that hears of each trial.
        given: of a run that is resumed, the fields of the request that replace the original ones; by default those
            that have not their default.

    Raises:
        InvalidUsage: the request is invalid or selects no trial, or the run to resume keeps no request.
        CommandError: the run or its report failed; the message says what is kept and how to resume.
        CommandInterrupted: Ctrl-C.
    """
    if part.retry and part.resume is None:
        raise InvalidUsage("--retry runs trials of an earlier run again: name its folder with --resume")
    place = _Place(part, None if part.resume is None else _resumed(part.reports, part.resume), request.matrix)
    earlier = place.noted()
    kept = None if earlier is None else earlier.request
    if given is None:
        given = [field.name for field in fields(request) if getattr(request, field.name) != field.default]
    if kept is not None:
        request = replace(kept, **{name: getattr(request, name) for name in given})
    elif earlier is not None and not given:
        raise InvalidUsage(f"{place.folder} does not keep its options: give those that it was started with")
    scheduler = _scheduler(part.executor)
    hidden = Secrets.of_this_machine(folders={"cache": str(default_cache())}, content=part.content)
    try:
        request = _settled(request, part)
        settings = run_settings(request, content=part.content, jobs=part.jobs, offline=part.offline)
    except MatrixError as error:
        rest = f"; the run in {place.folder} keeps {shlex.join(kept.options)}" if kept and kept.options else ""
        raise InvalidUsage(f"{error}{rest}") from error
    except EnvironmentProblem as problem:
        raise CommandError(problem.reason) from problem
    except OSError as error:
        raise CommandError(f"the environments of this run cannot be found: {error}; make room on the disk") from error
    command = tuple(redact(word, hidden) for word in part.command)
    removed: Mapping[str, int] | None = together(*map(taken, part.command, command))
    if request == kept and earlier is not None:  # resumed with its original options, a run keeps its first command
        command, removed = earlier.command, earlier.redacted
    about = stores.new_meta(command, request.profile, redacted=removed, request=request)
    try:
        losses = _play(settings, place, scheduler, about, hidden, progress)
        view = _reported(place.made(), hidden, resumed=part.resume is not None)
    except KeyboardInterrupt:
        raise CommandInterrupted(place.kept("interrupted")) from None
    return Reproduction(view, place.made(), place.lost(losses))


def _settled(request: RunRequest, part: RunPart) -> RunRequest:
    """The request with a person's own versions as pins, and with a valid day."""
    if part.here or part.requirements:
        python = (*request.python, ".".join(platform.python_version_tuple()[:2]))[0]
        own = own_pins(part.requirements, here=part.here, python=python, cache=default_cache(), offline=part.offline)
        request = replace(request, pin=(*own, *request.pin))
    return replace(request, as_of=parse_day(request.as_of) if request.as_of else None)


def _resumed(reports: Path, resume: Path) -> Path:
    wanted = reports / resume if resume.parent == Path() and not resume.exists() else resume
    try:
        folder = stores.latest(wanted.parent) if wanted.name == "latest" else wanted
    except stores.StoreError as error:
        raise InvalidInput(str(error)) from error
    if not (folder / TRIALS).is_file():
        raise InvalidInput(
            f"no run in {wanted}; leave out --resume to start one, or name a run folder in {wanted.parent}"
        )
    return folder


@dataclass
class _Place:
    """Where a run is kept: a folder that is there, or one that is made once nothing more is in the way."""

    part: RunPart
    folder: Path | None
    matrix: str | None

    def made(self) -> Path:
        self.folder = self.folder or stores.new_run(self.part.reports)
        return self.folder

    def noted(self) -> RunMeta | None:
        """What an earlier part of the run has noted of it."""
        if self.folder is None:
            return None
        try:
            return read_meta(self.folder)
        except RunError as error:
            raise InvalidUsage(
                f"the options of this run cannot be read ({error}), or start a new run without --resume"
            ) from error

    def kept(self, why: str) -> str:
        """Why a run has ended too early, and how to go on."""
        if self.folder is None or not (self.folder / TRIALS).exists():
            return why
        kept = len(stored_trials(self.folder))
        return f"{why}; {kept} trials are kept; resume with: {self._again(self.folder)}"

    def lost(self, losses: Sequence[str]) -> str | None:
        if not losses:
            return None
        folder = self.made()
        broken = sum(trial.status == "broken" for trial in stored_trials(folder))
        more = f" (and {len(losses) - 1} more)" if len(losses) > 1 else ""
        again = self._again(folder, "--retry", "broken")
        why = f"{count(broken, 'trial')} could not be judged: {one_line(losses[0], 400)}{more}"
        return f"{why}; to run what is broken again: {again}"

    def _again(self, folder: Path, *more: str) -> str:
        """The command that goes on with the run, in the way in which it was started: by nox or by hand."""
        session = os.environ.get("NOX_CURRENT_SESSION")
        start = ["nox", "-s", session, "--"] if session else [*PROGRAM.split(), "repro"]
        valued = {"--matrix": self.matrix, "--jobs": self.part.jobs, "--executor": self.part.executor}
        options = [word for name, value in valued.items() if value for word in (name, str(value))]
        options += ["--offline"] * self.part.offline + ["--with-content"] * self.part.content
        return shlex.join([*start, "--resume", str(folder), *options, *more])


def _scheduler(executor: str | None) -> str | None:
    if executor is None:
        return None
    try:
        address, readable = scheduler_address(executor)
    except AddressError as error:
        raise InvalidUsage(str(error)) from error
    if readable:
        sys.stderr.write(f"warning: {executor} is remote and not encrypted; prefer dask+tls:// or a tunnel\n")
    return address


def _play(
    settings: RunSettings, place: _Place, scheduler: str | None, about: RunMeta, hidden: Secrets, progress: Progress
) -> tuple[str, ...]:
    """Runs the trials, and returns what they needed and was gone."""
    elsewhere = nullcontext() if scheduler is None else cluster(scheduler)
    try:
        with (
            elsewhere as there,
            stores.Store(place.made(), hidden, about=about, retry=place.part.retry) as store,
            progress(len(settings.combinations), len(store.done)) as listener,
        ):
            return run(settings, store, listener, about, there)
    except (ExecutorUnavailable, CodeMismatch) as error:
        raise CommandError(place.kept(str(error))) from error
    except stores.UnreadableRecord as error:
        raise InvalidInput(str(error)) from error
    except (stores.StoreError, ServerError, OSError) as error:
        raise CommandError(str(error)) from error


def _reported(folder: Path, hidden: Secrets, *, resumed: bool) -> View:
    try:
        view = view_of(folder, hidden if resumed else None)  # the folder may be somebody else's
        write_reports(view, folder, content=hidden.content)
    except (RunError, OSError) as error:
        raise CommandError(f"the run is complete, but its report could not be written: {error}") from error
    return view
