"""`python -m diagnostics bisect`: finds the release that changed the outcome of a scenario or a script."""

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
from diagnostics.lab.bisection.request import BisectRequest, run_bisection
from diagnostics.lab.bisection.scope import InvalidRequest
from diagnostics.lab.combination import MatrixError
from diagnostics.lab.environments import EnvironmentProblem, default_cache
from diagnostics.lab.redactor import redactor
from diagnostics.lab.server import ServerError
from diagnostics.model.bisection import Bisection
from diagnostics.model.cell import BASELINE, Load
from diagnostics.model.errors import CommandError, CommandInterrupted, InvalidUsage
from diagnostics.model.libraries import SEARCHED
from diagnostics.model.limits import Limits
from diagnostics.model.visible import visible
from diagnostics.report.formats import bisection as reports
from diagnostics.runs.writer import StoreError, write_record

FAILURES = (ReleasesUnavailable, SearchFailed, EnvironmentProblem, MatrixError, ServerError, StoreError, OSError)


def bisect(
    package: Annotated[str, typer.Argument(help=f"The package whose releases are searched: {', '.join(SEARCHED)}.")],
    scenario: Annotated[str, typer.Option(help=f"Run this scenario: {', '.join(SCENARIOS)}.")] = "repeated-run",
    provider: Annotated[
        str | None,
        typer.Option(help=f"Use this provider's client: {', '.join(PROVIDERS)}; by default the package's own."),
    ] = None,
    fix: Annotated[str, typer.Option(help=f"Apply this fix: {', '.join(FIXES)}.")] = BASELINE,
    script: Annotated[
        Path | None, typer.Option(help="Run this program of yours instead of a scenario.", dir_okay=False)
    ] = None,
    by: Annotated[
        str,
        typer.Option(help="Compare releases by outcome (everything), symptom, symptom=raised, finding=KIND or exit."),
    ] = "outcome",
    python: Annotated[
        str | None,
        typer.Option(help="Use this Python, such as 3.12; by default the newest that fits both ends."),
    ] = None,
    good: Annotated[str | None, typer.Option(help="Start at this release; by default the first async one.")] = None,
    bad: Annotated[str | None, typer.Option(help="End at this release; by default the newest one.")] = None,
    requirement: Annotated[
        list[str] | None,
        typer.Option("--with", help="Install this too, such as httpx==0.27.2; repeatable."),
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Find every change instead of one.")] = False,
    samples: Annotated[int, typer.Option(min=1, help="With --all: cut the range into so many parts first.")] = SAMPLES,
    pre: Annotated[bool, typer.Option("--pre", help="Include pre-releases.")] = False,
    hold: Annotated[
        str,
        typer.Option(help=f"Pin other packages as of the {DATE} of each release, or as of YYYY-MM-DD."),
    ] = DATE,
    trials: Annotated[int, typer.Option(min=1, help="Run so many trials per round, with and without instruments.")] = 3,
    jobs: Annotated[int, typer.Option(min=0, help="Prepare so many environments ahead.")] = 2,
    runs: Annotated[int, typer.Option(min=1, help="Enter the event loop so many times in a trial.")] = 3,
    calls: Annotated[int, typer.Option("--calls", "--jets", min=1, help="Make so many calls per run.")] = 5,
    concurrency: Annotated[int, typer.Option(min=1, help="Allow so many calls in flight at once.")] = 5,
    retries: Annotated[int, typer.Option(min=0, help="Let the SDK retry a call so many times.")] = 2,
    timeout: Annotated[
        float, typer.Option(min=1, help="Report a trial as hanging after so many seconds.")
    ] = Limits.timeout,
    json_file: Annotated[
        Path | None, typer.Option("--json", dir_okay=False, help="Write the record to this file.")
    ] = None,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print Markdown instead of plain text.")] = False,
    offline: Annotated[
        bool, typer.Option("--offline", help="Install from the caches only, without the package index.")
    ] = False,
) -> None:
    """Find the release that changed the outcome of a scenario or of your own script.

    Example: python -m diagnostics bisect openai --scenario repeated-run --all

    Example: python -m diagnostics bisect httpx --script app.py --by exit

    Exit status: 0 a change is found (with --all: the search is complete);
    1 it failed; 2 invalid usage; 130 interrupted.
    """
    request = BisectRequest(
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
        limits=Limits(timeout=timeout),
        offline=offline,
    )
    for name in ("SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), _interrupt)
    cache = default_cache()
    redact = redactor(cache)
    command = ("python", "-m", "diagnostics", *(redact(part) for part in _again(sys.argv[1:])))
    try:
        with looking(package) as listener:
            found = run_bisection(request, cache=cache, redact=redact, listener=listener, command=command)
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
    sys.stdout.write(visible(reports.markdown(found) if markdown else reports.text(typed)))
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
