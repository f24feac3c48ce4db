"""`python -m diagnostics repro`: runs the matrix, or part of it, and writes a run folder."""

from __future__ import annotations

import sys
from collections.abc import Collection
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from diagnostics.cli import options as of
from diagnostics.cli.progress import progress
from diagnostics.cli.signals import interruptible
from diagnostics.experiment.fixes import FIXES
from diagnostics.experiment.providers import PROVIDERS
from diagnostics.experiment.scenarios import SCENARIOS
from diagnostics.lab.plan import PROFILES
from diagnostics.model.errors import CommandError, known
from diagnostics.report.formats.registry import FORMATS
from diagnostics.report.markup.escape import one_line
from diagnostics.report.view.view_models import View
from diagnostics.runs.records import RunRequest
from diagnostics.runs.writer import StoreError, point_latest
from diagnostics.workflows.reproduce import RETRIED, RunPart, reproduce

Several = list[str] | None

_FOUND_OUT: Final = ("unsatisfiable", "incompatible")
"""The statuses that say something of packages, and not of this machine or this harness."""


def _only(what: str, table: Collection[str] = ()) -> Any:
    names = f": {', '.join(table)}" if table else ""
    return typer.Option(help=f"Run only {what}; repeatable{names}.", show_default=False)


def repro(
    context: typer.Context,
    profile: Annotated[str, typer.Option(help=f"Choose how much to run: {', '.join(PROFILES)}.")] = RunRequest.profile,
    provider: Annotated[Several, _only("these providers", PROVIDERS)] = None,
    scenario: Annotated[Several, _only("these scenarios", SCENARIOS)] = None,
    fix: Annotated[Several, _only("these fixes, and the baseline", FIXES)] = None,
    environment: Annotated[Several, _only("these environments (slugs)")] = None,
    python: Annotated[Several, _only("these Pythons, such as 3.13")] = None,
    openai: Annotated[Several, _only("these releases: 3.54.0, 3 or '>=2,<3'")] = None,
    httpx: Annotated[Several, _only("these, such as httpx==0.28.1")] = None,
    here: Annotated[bool, of.HERE] = False,
    requirements: Annotated[list[Path] | None, of.REQUIREMENTS] = None,
    pin: Annotated[Several, of.PIN] = None,
    vary: Annotated[Several, of.VARY] = None,
    trials: Annotated[int | None, of.TRIALS] = None,
    runs: Annotated[int, of.RUNS] = RunRequest.runs,
    calls: Annotated[int, of.CALLS] = RunRequest.calls,
    concurrency: Annotated[int, of.CONCURRENCY] = RunRequest.concurrency,
    retries: Annotated[int, of.RETRIES] = RunRequest.retries,
    cold: Annotated[bool, of.COLD] = False,
    instrument: Annotated[str, of.INSTRUMENTED] = RunRequest.instrument,
    jobs: Annotated[int | None, typer.Option(min=1, help="Run this many environments at once.")] = None,
    executor: Annotated[str | None, of.EXECUTOR] = None,
    timeout: Annotated[float, of.TIMEOUT] = RunRequest.timeout,
    offline: Annotated[bool, of.OFFLINE] = False,
    reports: Annotated[Path, of.REPORTS] = RunPart.reports,
    resume: Annotated[Path | None, of.RESUME] = None,
    retry: Annotated[Several, of.RETRY] = None,
    matrix: Annotated[Path | None, of.MATRIX] = None,
    as_of: Annotated[str | None, of.AS_OF] = None,
    with_content: Annotated[bool, of.WITH_CONTENT] = False,
) -> None:
    """Reproduce the error over many versions, try every fix, and write the report.

    Example: python -m diagnostics repro --openai 3.54.0 --python 3.13 --scenario repeated-run --trials 5

    Example: python -m diagnostics repro --here --vary openai=3.50.0,3.57.0

    Example: python -m diagnostics repro --lock uv.lock --python 3.12

    Example: python -m diagnostics repro --resume reports/latest --retry broken

    Exit status: 0 the run is complete, whatever it found; 1 it failed, or something that
    trials need was removed; 2 invalid usage, or a run to resume cannot be read; 130 interrupted,
    and the trials that ended are kept.
    Only a run that ends with 0 becomes `latest`.
    """
    request = {**of.record_of(locals(), RunRequest), "matrix": None if matrix is None else str(matrix)}
    part = RunPart(
        **{**of.record_of(locals(), RunPart), "retry": known("value of --retry", retry or (), RETRIED)},
        content=with_content,
        command=("python", "-m", "diagnostics", *sys.argv[1:]),
    )
    _run(RunRequest(**request), part, [name for name in request if of.is_given(context, name)])


def _run(request: RunRequest, part: RunPart, given: Collection[str]) -> None:
    with interruptible():
        view, folder, lost = reproduce(request, part, progress, given)
    for format_ in FORMATS.values():
        if format_.show is not None:
            format_.show(view)
    typer.echo(f"\nThe report is in {folder}/report.md")
    if not view.totals.statuses.get("ran"):
        _say_why_nothing_ran(view)
    if lost is not None:  # a report that lacks trials is no success
        raise CommandError(lost)
    try:
        point_latest(folder)
    except (StoreError, OSError) as error:
        raise CommandError(str(error)) from error
    typer.echo(f"{folder.parent / 'latest'} points to this run.")


def _say_why_nothing_ran(view: View) -> None:
    """Ends the command, unless that is what the run found out: that these packages do not go together."""
    what = "no trial ran" if view.totals.trials else "no environment is available"
    ranked = sorted(view.impossible, key=lambda group: (group.status in _FOUND_OUT, -len(group.what)))
    first = f"{what}: {one_line(ranked[0].reason, 400)}" if ranked else what
    more = f" (the report lists {len(ranked) - 1} more reasons)" if len(ranked) > 1 else ""
    if not ranked or ranked[0].status not in _FOUND_OUT:
        raise CommandError(first + more)
    sys.stderr.write(f"warning: {first}{more}\n")
