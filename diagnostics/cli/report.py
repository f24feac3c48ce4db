"""`python -m diagnostics report RUN`: renders a run in any format, or compares two runs."""

from __future__ import annotations

import functools
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from diagnostics.lab.script import ScriptError
from diagnostics.model.errors import CommandError, InvalidUsage, known
from diagnostics.redaction import Secrets
from diagnostics.report.formats.changes import CHANGES_FORMATS
from diagnostics.report.formats.drawing import NotDrawn
from diagnostics.report.formats.registry import FORMATS, Format, write_report, write_reports
from diagnostics.report.issues import issue
from diagnostics.report.issues.issue_model import Posting
from diagnostics.report.issues.projects import PROJECTS
from diagnostics.report.view.compare import compare
from diagnostics.report.view.view_models import View
from diagnostics.runs.reader import RunError
from diagnostics.workflows.evidence import posting
from diagnostics.workflows.report import sarif_of, view_of

_STDOUT = Path("-")
_BY_DEFAULT = ", ".join(name for name, row in FORMATS.items() if not row.on_request)


def report(
    runs: Annotated[
        list[Path],
        typer.Argument(help="A run folder, such as reports/latest; two of them to compare; or a file of `run --json`."),
    ],
    formats: Annotated[
        list[str] | None,
        typer.Option(
            "--format", "-f", help=f"Write this format: {', '.join(FORMATS)}; repeatable. By default: {_BY_DEFAULT}."
        ),
    ] = None,
    projects: Annotated[
        list[str] | None,
        typer.Option("--for", help=f"Write the issue for this project: {', '.join(PROJECTS)}; repeatable."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Write to this folder, or for one format to this file; - is standard output."),
    ] = None,
    python: Annotated[
        Path | None, typer.Option(help="Run the script of an issue with this interpreter instead of one of the run's.")
    ] = None,
    unverified: Annotated[
        bool,
        typer.Option("--unverified", help="Write an issue, marked, even if its script shows no error."),
    ] = False,
    with_content: Annotated[
        bool, typer.Option("--with-content", help="Keep the prompts and answers that the run kept.")
    ] = False,
) -> None:
    """Write the reports of a run, write an issue to post, or compare two runs.

    Example: python -m diagnostics report reports/latest --format issue --for openai-python

    Example: python -m diagnostics report reports/2026-11-20T10-00-00Z reports/latest --format markdown

    Exit status: 0 written; 1 it failed; 2 invalid usage; 130 interrupted.
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
        if len(runs) == 2:
            _compare(view_of(runs[0], secrets), view_of(runs[1], secrets), formats, out)
        elif not runs[0].is_file():
            chosen, view = _chosen(formats, projects), view_of(runs[0], secrets)
            issues = {
                f"issue for {name}": _issue(posting(view, PROJECTS[name], secrets, python), unverified)
                for name in projects
                if "issue" in chosen
            }
            _one(view, runs[0], chosen, issues, out)
        elif formats in ([], ["sarif"]):
            _put(sarif_of(runs[0], secrets), out or runs[0].with_suffix(".sarif"))
        else:
            raise InvalidUsage(
                f"{runs[0]} holds the findings of one program, which can only be written as --format sarif"
            )
    except (RunError, NotDrawn, ScriptError) as error:
        raise CommandError(str(error)) from error
    except OSError as error:
        if error.filename is None:
            raise  # standard output, which is the same for every command
        raise CommandError(
            f"cannot write {out or runs[0]} ({error.strerror or error}); choose another path with --out"
        ) from error


def _one(view: View, run: Path, chosen: list[str], issues: Mapping[str, Format], out: Path | None) -> None:
    names, table = [*(name for name in chosen if name != "issue"), *issues], {**FORMATS, **issues}
    if out is None or out.is_dir() or not (out.suffix or out == _STDOUT):
        _say_written(write_reports(view, out or run, names, table))
        for name in names:
            if (show := table[name].show) is not None:
                show(view)
        return
    if len(names) != 1 and out != _STDOUT:
        raise InvalidUsage(f"{out} is one file, but there are {len(names)} formats; name a folder, or one --format")
    for name in names:
        content = table[name].render(view)
        if not isinstance(content, str):
            raise InvalidUsage(f"the format {name} is several files; name a folder with --out")
        _put(content, out)


def _compare(before: View, after: View, formats: Sequence[str], out: Path | None) -> None:
    names = formats or ["text"]
    if len(names) != 1 or names[0] not in CHANGES_FORMATS:
        raise InvalidUsage(f"two runs are compared in one --format; choose from {', '.join(CHANGES_FORMATS)}")
    chosen, changes = CHANGES_FORMATS[names[0]], compare(before, after)
    if chosen.show is not None and out in (None, _STDOUT):
        chosen.show(changes)
    else:
        _put(chosen.render(changes), out or _STDOUT)


def _chosen(formats: Sequence[str], projects: Sequence[str]) -> list[str]:
    chosen = list(formats or (["issue"] if projects else [name for name, row in FORMATS.items() if not row.on_request]))
    known("format", chosen, FORMATS)
    known("project", projects, PROJECTS)
    if "issue" in chosen and not projects:
        raise InvalidUsage(f"--format issue needs a project; add --for with one of {', '.join(PROJECTS)}")
    return chosen


def _issue(made: Posting, unverified: bool) -> Format:
    """The row of the issue for one project.

    Raises:
        CommandError: its script did not reproduce the error, and nobody wants it all the same.
    """
    if made.unverified and not unverified:
        raise CommandError(
            f"the issue for {made.project.name} is not verified: {made.unverified}; add --unverified to write it"
        )
    typer.echo(f"title: {issue.title(made)}", err=True)
    typer.echo(f"post it at https://github.com/{made.project.repository}/{made.project.start}", err=True)
    render = functools.partial(issue.render, posting=made)
    return replace(FORMATS["issue"], file_name=issue.file_name(made.project.name), render=render)


def _put(content: str, out: Path) -> None:
    if out == _STDOUT:
        sys.stdout.write(content)
    else:
        _say_written(write_report(out, content))


def _say_written(paths: Iterable[Path]) -> None:
    for path in paths:
        typer.echo(f"wrote {path}")
