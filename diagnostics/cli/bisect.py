"""`python -m diagnostics bisect`: the release of a package in which the outcome of a cell, or of a script, changed."""

from __future__ import annotations

import os
import signal
import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from diagnostics.cli.looking import looking
from diagnostics.experiment.fixes import FIXES
from diagnostics.experiment.providers import PROVIDERS
from diagnostics.experiment.scenarios import SCENARIOS
from diagnostics.lab.bisection.history import SAMPLES, SearchFailed
from diagnostics.lab.bisection.pinning import DATE
from diagnostics.lab.bisection.releases import ReleasesUnavailable
from diagnostics.lab.bisection.request import BisectRequest, answer
from diagnostics.lab.bisection.scope import InvalidRequest
from diagnostics.lab.combination import MatrixError
from diagnostics.lab.environments import EnvironmentProblem, default_cache
from diagnostics.lab.server import ServerError
from diagnostics.model.bisection import Bisection
from diagnostics.model.cell import BASELINE, Load
from diagnostics.model.errors import CommandError, CommandInterrupted, InvalidUsage
from diagnostics.model.libraries import SEARCHED
from diagnostics.phases.plan import clean
from diagnostics.report.formats import bisection as reports
from diagnostics.runs.writer import StoreError, write_record

FAILURES = (ReleasesUnavailable, SearchFailed, EnvironmentProblem, MatrixError, ServerError, StoreError, OSError)


def bisect(
    package: Annotated[str, typer.Argument(help=f"One of {', '.join(SEARCHED)}.")],
    scenario: Annotated[str, typer.Option(help=f"What is tried: {', '.join(SCENARIOS)}.")] = "repeated-run",
    provider: Annotated[
        str | None, typer.Option(help=f"Whose client calls: {', '.join(PROVIDERS)}; by default the package's own.")
    ] = None,
    fix: Annotated[str, typer.Option(help=f"The arrangement: {', '.join(FIXES)}.")] = BASELINE,
    script: Annotated[
        Path | None, typer.Option(help="A program of your own instead of a scenario.", dir_okay=False)
    ] = None,
    by: Annotated[
        str,
        typer.Option(help="What counts as a change: outcome (all of it), symptom, symptom=raised, finding=KIND, exit."),
    ] = "outcome",
    python: Annotated[
        str | None, typer.Option(help="Such as 3.12; by default the newest on which both ends install.")
    ] = None,
    good: Annotated[str | None, typer.Option(help="The older end; by default the first async release.")] = None,
    bad: Annotated[str | None, typer.Option(help="The newer end; by default the newest release.")] = None,
    requirement: Annotated[
        list[str] | None, typer.Option("--with", help="What else is to be there, such as httpx==0.27.2.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Look for every change, not just one.")] = False,
    samples: Annotated[int, typer.Option(min=1, help="With --all: parts into which the range is cut.")] = SAMPLES,
    pre: Annotated[bool, typer.Option("--pre", help="Pre-releases count.")] = False,
    hold: Annotated[
        str, typer.Option(help=f"The other packages: {DATE}, as on the day of each release; or as on a day.")
    ] = DATE,
    trials: Annotated[int, typer.Option(min=1, help="Trials in a round, instrumented and uninstrumented each.")] = 3,
    jobs: Annotated[int, typer.Option(min=0, help="Environments prepared ahead at the same time.")] = 2,
    runs: Annotated[int, typer.Option(min=1, help="How often a trial enters the event loop.")] = 3,
    calls: Annotated[int, typer.Option("--calls", "--jets", min=1, help="Calls a run.")] = 5,
    concurrency: Annotated[int, typer.Option(min=1, help="Calls in flight at once.")] = 5,
    retries: Annotated[int, typer.Option(min=0, help="The SDK's retries for a call.")] = 2,
    timeout: Annotated[float, typer.Option(min=1, help="Seconds until a trial counts as hanging.")] = 30.0,
    json_file: Annotated[
        Path | None, typer.Option("--json", dir_okay=False, help="Write the record to this file.")
    ] = None,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print Markdown instead of plain text.")] = False,
    offline: Annotated[bool, typer.Option("--offline", help="Do not ask the package index.")] = False,
) -> None:
    """Find the release in which the outcome of a cell changed.

    Example: python -m diagnostics bisect openai --scenario repeated-run --all

    Exit status: 0 found (with --all: the history is complete, whatever it holds), 1 it could not be, 2 the command line
    cannot be meant so, 130 interrupted.
    """
    asked = BisectRequest(
        package=package,
        scenario=scenario,
        provider=provider,
        script=script,
        fix=fix,
        load=Load(runs, calls, concurrency, retries),
        python=python,
        good=good,
        bad=bad,
        requirements=tuple(requirement or ()),
        by=by,
        every=every,
        samples=samples,
        pre=pre,
        hold=hold,
        jobs=jobs,
        trials=trials,
        mode="fork" if hasattr(os, "fork") else "cold",
        timeout=timeout,
        offline=offline,
    )
    for name in ("SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), _interrupt)
    cache = default_cache()
    redact = clean(cache)
    command = ("python", "-m", "diagnostics", *(redact(part) for part in _again(sys.argv[1:])))
    try:
        with looking(package) as listener:
            found = answer(asked, cache=cache, redact=redact, listener=listener, command=command)
    except InvalidRequest as error:
        raise InvalidUsage(str(error)) from error
    except (
        ReleasesUnavailable,
        SearchFailed,
        EnvironmentProblem,
        MatrixError,
        ServerError,
        StoreError,
        OSError,
    ) as error:
        raise CommandError(redact(str(error))) from error
    except KeyboardInterrupt:
        raise CommandInterrupted("interrupted; prepared environments are kept for the next search") from None
    # On a person's own screen stands what that person typed; what is posted or kept has no name of this machine.
    typed = replace(found, command=("python", "-m", "diagnostics", *_again(sys.argv[1:])))
    sys.stdout.write(reports.markdown(found) if markdown else reports.text(typed))
    if json_file is not None:
        _keep(found, json_file)


def _keep(found: Bisection, file: Path) -> None:
    try:
        write_record(file, found)
    except StoreError as error:
        raise CommandError(str(error)) from error


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def _again(arguments: list[str]) -> list[str]:
    """The command line without where this one wrote to."""
    kept, is_value = [], False
    for argument in arguments:
        if not is_value and not argument.startswith("--json"):
            kept.append(argument)
        is_value = argument == "--json"
    return kept
