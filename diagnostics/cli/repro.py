"""`python -m diagnostics repro`: runs the matrix, or part of it, and writes a run folder."""

from __future__ import annotations

import os
import platform
import shlex
import signal
import sys
from collections.abc import Collection, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from diagnostics.cli.progress import progress
from diagnostics.experiment.fixes import FIXES
from diagnostics.experiment.providers import PROVIDERS
from diagnostics.experiment.scenarios import SCENARIOS
from diagnostics.lab.as_of import parse_day
from diagnostics.lab.combination import MatrixError
from diagnostics.lab.environments import EnvironmentProblem, default_cache
from diagnostics.lab.execution.work import CodeMismatch, ExecutorUnavailable
from diagnostics.lab.own_versions import own_pins
from diagnostics.lab.plan import INSTRUMENT, PROFILES
from diagnostics.lab.remote import AddressError, cluster, scheduler_address
from diagnostics.lab.reproduction import run_settings
from diagnostics.lab.run import RunSettings, run
from diagnostics.lab.server import ServerError
from diagnostics.model.errors import CommandError, CommandInterrupted, InvalidUsage, known
from diagnostics.redaction import Secrets, redact, taken
from diagnostics.redaction.kinds import together
from diagnostics.report.formats.registry import FORMATS, write_reports
from diagnostics.report.markup.escape import one_line
from diagnostics.report.view.build import build_view
from diagnostics.report.view.view_models import View
from diagnostics.runs import writer as stores
from diagnostics.runs.layout import TRIALS
from diagnostics.runs.reader import RunError, read_meta, read_run, stored_trials
from diagnostics.runs.records import RunMeta, RunRequest

_RETRIED: Final = ("broken", "incompatible", "unrelated")
"""The statuses of trials that can be run again."""

_FOUND_OUT: Final = ("unsatisfiable", "incompatible")
"""The statuses that say something of packages, and not of this machine or this harness."""


def _names(what: str, table: Collection[str]) -> Any:
    return typer.Option(help=f"Run only these {what}; repeatable: {', '.join(table)}.", show_default=False)


def repro(
    context: typer.Context,
    profile: Annotated[str, typer.Option(help=f"Choose how much to run: {', '.join(PROFILES)}.")] = RunRequest.profile,
    provider: Annotated[list[str] | None, _names("providers", PROVIDERS)] = None,
    scenario: Annotated[list[str] | None, _names("scenarios", SCENARIOS)] = None,
    fix: Annotated[list[str] | None, _names("fixes, and the baseline", FIXES)] = None,
    environment: Annotated[
        list[str] | None, typer.Option(help="Run only these environments (slugs); repeatable.")
    ] = None,
    python: Annotated[list[str] | None, typer.Option(help="Run only these Pythons, such as 3.13; repeatable.")] = None,
    openai: Annotated[
        list[str] | None,
        typer.Option(help="Run only these releases: 3.54.0, 3 or '>=2,<3'; repeatable."),
    ] = None,
    httpx: Annotated[list[str] | None, typer.Option(help="Run only these, such as httpx==0.28.1; repeatable.")] = None,
    here: Annotated[
        bool, typer.Option("--here", help="Run the versions that this interpreter has instead of the matrix.")
    ] = False,
    requirements: Annotated[
        list[Path] | None,
        typer.Option(
            "-r",
            "--requirements",
            "--lock",
            "--pyproject",
            help="Run the versions of requirements.txt, uv.lock, poetry.lock, pylock.toml or pyproject.toml instead of "
            "the matrix; repeatable.",
        ),
    ] = None,
    pin: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME==VERSION", help="Run this release instead of the matrix; repeatable."),
    ] = None,
    vary: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=VERSION,…",
            help="Run each of these releases in the place of the pinned one, or in the newest environment; repeatable.",
        ),
    ] = None,
    trials: Annotated[int | None, typer.Option(min=1, help="Run so many trials of each combination and fix.")] = None,
    runs: Annotated[int, typer.Option(min=1, help="Enter the event loop so many times in a trial.")] = RunRequest.runs,
    calls: Annotated[
        int, typer.Option("--calls", "--jets", min=1, help="Make so many calls per run.")
    ] = RunRequest.calls,
    concurrency: Annotated[
        int, typer.Option(min=1, help="Allow so many calls in flight at once.")
    ] = RunRequest.concurrency,
    retries: Annotated[int, typer.Option(min=0, help="Let the SDK retry a call so many times.")] = RunRequest.retries,
    cold: Annotated[
        bool, typer.Option("--cold", help="Start a new interpreter for each trial instead of forking one.")
    ] = False,
    instrument: Annotated[
        str, typer.Option(help="; ".join(f"{name}: {what}" for name, what in INSTRUMENT.items()) + ".")
    ] = RunRequest.instrument,
    jobs: Annotated[int | None, typer.Option(min=1, help="Run so many environments at once.")] = None,
    executor: Annotated[
        str | None,
        typer.Option(
            metavar="dask://HOST:PORT",
            help="Run the trials on the workers of a dask scheduler.",
        ),
    ] = None,
    timeout: Annotated[
        float, typer.Option(min=1, help="Report a trial as hanging after so many seconds.")
    ] = RunRequest.timeout,
    offline: Annotated[
        bool, typer.Option("--offline", help="Install from the caches only, without the package index.")
    ] = False,
    reports: Annotated[Path, typer.Option(help="Write run folders to this folder.")] = Path("reports"),
    resume: Annotated[
        Path | None,
        typer.Option(
            help="Resume this run, such as reports/latest, with its original options; options given now override them. "
            "Trials that it holds are not repeated."
        ),
    ] = None,
    retry: Annotated[
        list[str] | None,
        typer.Option(
            help=f"With --resume, run the trials of this status again: {', '.join(_RETRIED)}; repeatable.",
            metavar="STATUS",
        ),
    ] = None,
    matrix: Annotated[Path | None, typer.Option(help="Read the matrix from this pyproject.toml.")] = None,
    as_of: Annotated[
        str | None,
        typer.Option(help="Run the releases that were current on this day instead of the matrix.", metavar="DATE"),
    ] = None,
    with_content: Annotated[
        bool, typer.Option("--with-content", help="Keep prompts and answers in everything that is written.")
    ] = False,
) -> None:
    """Reproduce the error over many versions, try every fix, and write the report.

    Example: python -m diagnostics repro --openai 3.54.0 --python 3.13 --scenario repeated-run --trials 5

    Example: python -m diagnostics repro --here --vary openai=3.50.0,3.57.0

    Example: python -m diagnostics repro --lock uv.lock --python 3.12

    Example: python -m diagnostics repro --resume reports/latest --retry broken

    Exit status: 0 the run is complete, whatever it found; 1 it failed, or something that
    trials need was removed; 2 invalid usage; 130 interrupted, and the trials that ended are kept.
    """
    asked = RunRequest(
        profile=profile,
        provider=tuple(provider or ()),
        scenario=tuple(scenario or ()),
        fix=tuple(fix or ()),
        environment=tuple(environment or ()),
        python=tuple(python or ()),
        openai=tuple(openai or ()),
        httpx=tuple(httpx or ()),
        pin=tuple(pin or ()),
        vary=tuple(vary or ()),
        trials=trials,
        runs=runs,
        calls=calls,
        concurrency=concurrency,
        retries=retries,
        cold=cold,
        instrument=instrument,
        timeout=timeout,
        matrix=None if matrix is None else str(matrix),
        as_of=as_of,
    )
    # Where a trial is played, and what is shown of it, is not kept: it is for each part of a run to say.
    with_it = [
        *(["--matrix", str(matrix)] if matrix else []),
        *(["--jobs", str(jobs)] if jobs else []),
        *(["--executor", executor] if executor else []),
        *(["--offline"] if offline else []),
        *(["--with-content"] if with_content else []),
    ]
    again = known("value of --retry", retry or (), _RETRIED)
    if again and resume is None:
        raise InvalidUsage("--retry runs trials of an earlier run again: name its folder with --resume")
    place = _Place(reports, None if resume is None else _resumed(reports, resume), with_it, again)
    earlier = place.noted()
    kept = None if earlier is None else earlier.request
    given = {name: value for name, value in vars(asked).items() if _is_given(context, name)}
    if kept is not None:
        asked = replace(kept, **given)
    elif earlier is not None and not given:
        raise InvalidUsage(f"{place.folder} does not keep its options: give those that it was started with")
    scheduler = _scheduler(executor)
    try:
        if here or requirements:
            on = (*asked.python, ".".join(platform.python_version_tuple()[:2]))[0]
            own = own_pins(requirements or (), here=here, python=on, cache=default_cache(), offline=offline)
            asked = replace(asked, pin=(*own, *(pin or ())))
        asked = replace(asked, as_of=parse_day(asked.as_of) if asked.as_of else None)
        hidden = Secrets.of_this_machine(folders={"cache": str(default_cache())}, content=with_content)
        settings = run_settings(asked, content=with_content, jobs=jobs, offline=offline)
    except MatrixError as error:
        rest = f"; the run in {place.folder} keeps {shlex.join(kept.options)}" if kept and kept.options else ""
        raise InvalidUsage(f"{error}{rest}") from error
    except EnvironmentProblem as problem:
        raise CommandError(problem.reason) from problem
    command, removed = _typed(hidden)
    if asked == kept and earlier is not None:  # resumed with its original options, a run keeps its first command
        command, removed = earlier.command, earlier.redacted
    about = stores.new_meta(command, asked.profile, redacted=removed, request=asked)
    try:
        losses = _play(settings, place, scheduler, about, hidden)
        _render(place.made(), hidden)
        _say_what_was_lost(place, losses)
    except KeyboardInterrupt:
        raise CommandInterrupted(place.kept("interrupted")) from None


def _is_given(context: typer.Context, name: str) -> bool:
    source = context.get_parameter_source(name)
    return source is not None and source.name != "DEFAULT"


def _resumed(reports: Path, resume: Path) -> Path:
    """The folder of the run that is gone on with; a name alone is also looked for where the runs are."""
    wanted = reports / resume if resume.parent == Path() and not resume.exists() else resume
    try:
        folder = stores.latest(wanted.parent) if wanted.name == "latest" else wanted
    except stores.StoreError as error:
        raise CommandError(str(error)) from error
    if not (folder / TRIALS).is_file():
        raise CommandError(
            f"no run in {wanted}; leave out --resume to start one, or name a run folder in {wanted.parent}"
        )
    return folder


@dataclass
class _Place:
    """Where a run is kept: a folder that is there, or one that is made once nothing more is in the way.

    Attributes:
        with_it: the options that are needed again to go on in the same way.
        retry: the statuses of stored trials that run again.
    """

    reports: Path
    folder: Path | None
    with_it: Sequence[str] = ()
    retry: Collection[str] = ()

    def made(self) -> Path:
        """The folder, from now on.

        Raises:
            StoreError: the disk refuses.
        """
        self.folder = self.folder or stores.new_run(self.reports)
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
        """What is said of a run that has ended too early."""
        if self.folder is None or not (self.folder / TRIALS).exists():
            return why
        kept = len(stored_trials(self.folder))
        return f"{why}; {kept} trials are kept; resume with: {_again(self.folder, self.with_it)}"


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
    settings: RunSettings, place: _Place, scheduler: str | None, about: RunMeta, hidden: Secrets
) -> tuple[str, ...]:
    """Runs the trials, and returns what they needed and was gone."""
    elsewhere = nullcontext() if scheduler is None else cluster(scheduler)
    try:
        with elsewhere as there, stores.Store(place.made(), hidden, about=about, retry=place.retry) as store:
            _be_interrupted_by_every_signal()
            stores.point_latest(store.folder)
            with progress(total=len(settings.combinations), kept=len(store.done)) as listener:
                return run(settings, store, listener, about, there)
    except (ExecutorUnavailable, CodeMismatch) as error:
        raise CommandError(place.kept(str(error))) from error
    except (stores.StoreError, ServerError, OSError) as error:
        raise CommandError(str(error)) from error


def _be_interrupted_by_every_signal() -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    for name in ("SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), interrupt)


def _render(folder: Path, hidden: Secrets) -> None:
    try:
        view = build_view(read_run(folder), None, {name: fix.trade_off for name, fix in FIXES.items()})
        write_reports(view, folder, content=hidden.content)
    except (RunError, OSError) as error:
        raise CommandError(f"the run is complete, but its report could not be written: {error}") from error
    for format_ in FORMATS.values():
        if format_.show is not None:
            format_.show(view)
    sys.stdout.write(f"\nThe report is in {folder}/report.md ({folder.parent / 'latest'} points to it).\n")
    if not view.totals.statuses.get("ran"):
        _say_why_nothing_ran(view)


def _say_why_nothing_ran(view: View) -> None:
    """Ends the command, unless that is what the run found out: that these packages do not go together."""
    what = "no trial ran" if view.totals.trials else "no environment is available"
    ranked = sorted(view.impossible, key=lambda group: (group.status in _FOUND_OUT, -len(group.what)))
    first = f"{what}: {one_line(ranked[0].reason, 400)}" if ranked else what
    more = f" (the report lists {len(ranked) - 1} more reasons)" if len(ranked) > 1 else ""
    if not ranked or ranked[0].status not in _FOUND_OUT:
        raise CommandError(first + more)
    sys.stderr.write(f"warning: {first}{more}\n")


def _say_what_was_lost(place: _Place, losses: Sequence[str]) -> None:
    """Ends the command if the harness itself lost something: a report that lacks trials is no success."""
    if not losses:
        return
    broken = sum(trial.status == "broken" for trial in stored_trials(place.made()))
    more = f" (and {len(losses) - 1} more)" if len(losses) > 1 else ""
    again = _again(place.made(), [*place.with_it, "--retry", "broken"])
    raise CommandError(f"{broken} trials could not be judged: {one_line(losses[0], 400)}{more}; run them with: {again}")


def _typed(hidden: Secrets) -> tuple[tuple[str, ...], Mapping[str, int] | None]:
    """The command as a person typed it, redacted, and what was taken out of it."""
    raw = ["python", "-m", "diagnostics", *sys.argv[1:]]
    command = tuple(redact(part, hidden) for part in raw)
    return command, together(*map(taken, raw, command))


def _again(folder: Path, with_it: Sequence[str]) -> str:
    """The command that goes on with a run, in the way in which it was started: by nox or by hand."""
    session = os.environ.get("NOX_CURRENT_SESSION")
    start = ["nox", "-s", session, "--"] if session else ["python", "-m", "diagnostics", "repro"]
    return shlex.join([*start, "--resume", str(folder), *with_it])
