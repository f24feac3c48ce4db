"""`python -m diagnostics bisect`: finds the release that changed the outcome of a scenario or a script."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from diagnostics.cli import options as of
from diagnostics.cli.looking import looking
from diagnostics.cli.signals import interruptible
from diagnostics.experiment.fixes import FIXES
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
from diagnostics.runs.writer import StoreError


def bisect(
    package: Annotated[str, typer.Argument(help=f"The package whose releases are searched: {', '.join(SEARCHED)}.")],
    scenario: Annotated[str, typer.Option(help=f"Run this scenario: {', '.join(SCENARIOS)}.")] = "repeated-run",
    provider: Annotated[str | None, of.BISECT_PROVIDER] = None,
    fix: Annotated[str, typer.Option(help=f"Apply this fix: {', '.join(FIXES)}.")] = BASELINE,
    script: Annotated[Path | None, of.BISECT_SCRIPT] = None,
    by: Annotated[str, of.BISECT_BY] = "outcome",
    python: Annotated[str | None, of.BISECT_PYTHON] = None,
    good: Annotated[str | None, typer.Option(help="Start at this release; by default the first async one.")] = None,
    bad: Annotated[str | None, typer.Option(help="End at this release; by default the newest one.")] = None,
    requirements: Annotated[list[str] | None, of.BISECT_REQUIREMENTS] = None,
    every: Annotated[bool, typer.Option("--all", help="Find every change instead of one.")] = False,
    samples: Annotated[int, typer.Option(min=1, help="With --all: first cut the range into N parts.")] = SAMPLES,
    pre: Annotated[bool, typer.Option("--pre", help="Include pre-releases.")] = False,
    hold: Annotated[str, of.BISECT_HOLD] = DATE,
    trials: Annotated[int, typer.Option(min=1, help="Run N trials per round, with and without instruments.")] = 3,
    jobs: Annotated[int, typer.Option(min=0, help="Prepare this many environments ahead.")] = 2,
    runs: Annotated[int, of.RUNS] = 3,
    calls: Annotated[int, of.CALLS] = 5,
    concurrency: Annotated[int, of.CONCURRENCY] = 5,
    retries: Annotated[int, of.RETRIES] = 2,
    timeout: Annotated[float, of.TIMEOUT] = Limits.timeout,
    json_file: Annotated[Path | None, of.JSON] = None,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print Markdown instead of plain text.")] = False,
    offline: Annotated[bool, of.OFFLINE] = False,
) -> None:
    """Find the release that changed the outcome of a scenario or of your own script.

    Example: python -m diagnostics bisect openai --scenario repeated-run --all

    Example: python -m diagnostics bisect httpx --script app.py --by exit

    Exit status: 0 a change is found (with --all: the search is complete);
    1 it failed; 2 invalid usage; 130 interrupted.
    """
    request = BisectRequest(
        **of.record_of(locals(), BisectRequest),
        load=Load(runs, calls, concurrency, retries),
        mode="fork" if hasattr(os, "fork") else "cold",
        limits=Limits(timeout=timeout),
    )
    found = _found(request)
    # On a person's own screen stands what that person typed; what is posted or kept has no name of this machine.
    typed = replace(found, command=("python", "-m", "diagnostics", *_again(sys.argv[1:])))
    if json_file != of.STANDARD_OUTPUT:
        sys.stdout.write(visible(reports.markdown(found) if markdown else reports.text(typed)))
    if json_file is not None:
        of.write_json(json_file, found)


def _found(request: BisectRequest) -> Bisection:
    cache = default_cache()
    redact = redactor(cache)
    command = ("python", "-m", "diagnostics", *(redact(part) for part in _again(sys.argv[1:])))
    try:
        with interruptible(), looking(request.package) as listener:
            return run_bisection(request, cache=cache, redact=redact, listener=listener, command=command)
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


def _again(arguments: list[str]) -> list[str]:
    """The command line without where this one wrote to."""
    kept, is_value = [], False
    for argument in arguments:
        if not is_value and not argument.startswith("--json"):
            kept.append(argument)
        is_value = argument == "--json"
    return kept
