"""`python -m diagnostics report RUN`: renders a run in any format, or compares two runs."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from diagnostics.cli import options as of
from diagnostics.lab.script import ScriptError
from diagnostics.model.errors import CommandError, InvalidInput, InvalidUsage
from diagnostics.redaction import Secrets
from diagnostics.report.formats.drawing import NotDrawn
from diagnostics.report.formats.registry import FORMATS
from diagnostics.report.issues import issue
from diagnostics.report.issues.projects import PROJECTS
from diagnostics.runs.reader import RunError
from diagnostics.workflows import report as workflow

_RUNS = typer.Argument(help="A run folder, such as reports/latest; two of them to compare; or a file of `run --json`.")
_FORMATS = typer.Option(
    *("--format", "-f"),
    help=f"Write this format: {', '.join(FORMATS)}; repeatable. By default: {', '.join(workflow.BY_DEFAULT)}.",
)
_PROJECTS = typer.Option("--for", help=f"Write the issue for this project: {', '.join(PROJECTS)}; repeatable.")
_OUT = typer.Option(help="Write to this folder, or for one format to this file; - is standard output.")
_PYTHON = typer.Option(help="Run the script of an issue with this interpreter instead of one of the run's.")
_UNVERIFIED = typer.Option("--unverified", help="Write an issue, marked, even if its script shows no error.")


def report(
    runs: Annotated[list[Path], _RUNS],
    formats: Annotated[list[str] | None, _FORMATS] = None,
    projects: Annotated[list[str] | None, _PROJECTS] = None,
    out: Annotated[Path | None, _OUT] = None,
    python: Annotated[Path | None, _PYTHON] = None,
    unverified: Annotated[bool, _UNVERIFIED] = False,
    with_content: Annotated[bool, of.WITH_CONTENT_KEPT] = False,
) -> None:
    """Write the reports of a run, write an issue to post, or compare two runs.

    Example: python -m diagnostics report reports/latest --format issue --for openai-python

    Example: python -m diagnostics report reports/2026-11-20T10-00-00Z reports/latest --format markdown

    Exit status: 0 written; 1 it failed; 2 invalid usage, or a run cannot be
    read; 130 interrupted.
    """
    secrets = Secrets.of_this_machine(content=with_content)
    formats, projects = formats or [], projects or []
    try:
        if len(runs) > 2:
            raise InvalidUsage(f"{len(runs)} runs given; name one to report it, or two to compare them")
        if projects and len(runs) == 2:
            raise InvalidUsage("an issue is about one run, but two are given; leave out --for, or name one run")
        if projects and runs[0].is_file():
            raise InvalidUsage(f"an issue needs the run folder of repro, and {runs[0]} is a file; leave out --for")
        for written in _write(runs, formats, projects, out, python, secrets, unverified=unverified):
            if isinstance(written, Path):
                typer.echo(f"wrote {written}")
            else:
                sys.stdout.write(written)
    except RunError as error:
        raise InvalidInput(str(error)) from error
    except (NotDrawn, ScriptError) as error:
        raise CommandError(str(error)) from error
    except OSError as error:
        if error.filename is None:
            raise  # standard output, which is the same for every command
        raise CommandError(
            f"cannot write {out or runs[0]} ({error.strerror or error}); choose another path with --out"
        ) from error


def _write(
    runs: list[Path],
    formats: list[str],
    projects: list[str],
    out: Path | None,
    python: Path | None,
    secrets: Secrets,
    *,
    unverified: bool,
) -> Iterator[Path | str]:
    if len(runs) == 2:
        before, after = (workflow.view_of(run, secrets) for run in runs)
        return workflow.write_changes(before, after, formats, out)
    (run,) = runs
    if run.is_file():
        if formats not in ([], ["sarif"]):
            raise InvalidUsage(f"{run} holds the findings of one program, which can only be written as --format sarif")
        return workflow.put(workflow.sarif_of(run, secrets), out or run.with_suffix(".sarif"))
    chosen, view = workflow.choose_formats(formats, projects), workflow.view_of(run, secrets)
    table = {name: FORMATS[name] for name in chosen if name != "issue"}
    for name in projects if "issue" in chosen else []:
        made, table[f"issue for {name}"] = workflow.prepare_issue(
            view, name, secrets, python=python, unverified=unverified
        )
        typer.echo(f"title: {issue.title(made)}", err=True)
        typer.echo(f"post it at https://github.com/{made.project.repository}/{made.project.start}", err=True)
    return workflow.write_run(view, run, table, out)
