"""`python -m diagnostics report RUN`: renders a run in any format, or compares two runs."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from diagnostics.experiment.fixes import FIXES
from diagnostics.lab.script import ScriptError
from diagnostics.model.errors import CommandError, InvalidUsage, known
from diagnostics.redaction import Secrets, redact
from diagnostics.report.formats.changes import CHANGES_FORMATS
from diagnostics.report.formats.drawing import NotDrawn
from diagnostics.report.formats.registry import FORMATS, Content, Format, write_report, write_reports
from diagnostics.report.issues import issue
from diagnostics.report.issues.projects import PROJECTS
from diagnostics.report.view.build import build_view
from diagnostics.report.view.compare import compare
from diagnostics.report.view.view_models import View
from diagnostics.runs.reader import RunError, read_findings, read_run
from diagnostics.sanitizer.output.formats import sarif
from diagnostics.workflows.evidence import posting

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
    try:
        if len(runs) == 2:
            if projects:
                raise InvalidUsage("an issue is about one run, but two are given; leave out --for, or name one run")
            _compare(_view(runs[0], secrets), _view(runs[1], secrets), formats, out)
        elif len(runs) > 2:
            raise InvalidUsage(f"{len(runs)} runs given; name one to report it, or two to compare them")
        elif runs[0].is_file():
            if projects:
                raise InvalidUsage(f"an issue needs the run folder of repro, and {runs[0]} is a file; leave out --for")
            _findings(runs[0], formats, secrets, out)
        else:
            _one(runs[0], _chosen(formats, projects or []), projects or [], secrets, out, python)
    except (RunError, NotDrawn, ScriptError) as error:
        raise CommandError(str(error)) from error
    except OSError as error:
        if error.filename is None:
            raise  # standard output, which is the same for every command
        raise CommandError(
            f"cannot write {out or runs[0]} ({error.strerror or error}); choose another path with --out"
        ) from error


def _view(run: Path, secrets: Secrets) -> View:
    return build_view(read_run(run), secrets, {name: fix.trade_off for name, fix in FIXES.items()})


def _one(
    run: Path, chosen: list[str], projects: list[str], secrets: Secrets, out: Path | None, python: Path | None
) -> None:
    view = _view(run, secrets)
    issues = {f"issue for {name}": _issue(view, name, secrets, python) for name in projects if "issue" in chosen}
    _write(view, run, [name for name in chosen if name != "issue"] + list(issues), {**FORMATS, **issues}, out)


def _compare(before: View, after: View, formats: Sequence[str] | None, out: Path | None) -> None:
    """What changed, on the screen unless a file is named."""
    names = formats or ["text"]
    if len(names) != 1 or names[0] not in CHANGES_FORMATS:
        raise InvalidUsage(f"two runs are compared in one --format; choose from {', '.join(CHANGES_FORMATS)}")
    chosen, changes = CHANGES_FORMATS[names[0]], compare(before, after)
    if out is not None and str(out) != "-":
        _say_written(write_report(out, chosen.render(changes)))
    elif chosen.show is not None:
        chosen.show(changes)
    else:
        sys.stdout.write(chosen.render(changes))


def _findings(file: Path, formats: Sequence[str] | None, secrets: Secrets, out: Path | None) -> None:
    """A document of `run --json` as SARIF, beside it unless another place is named."""
    if formats and list(formats) != ["sarif"]:
        raise InvalidUsage(f"{file} holds the findings of one program, which can only be written as --format sarif")
    # Code scanning wants paths as the repository has them, and a program is run from there.
    here = f"{Path.cwd()}{os.sep}"
    content = sarif.render(read_findings(file, lambda text: redact(text.replace(here, ""), secrets)))
    if out is not None and str(out) == "-":
        sys.stdout.write(content)
    else:
        _say_written(write_report(out or file.with_suffix(".sarif"), content))


def _chosen(formats: Sequence[str] | None, projects: Sequence[str]) -> list[str]:
    chosen = list(formats or (["issue"] if projects else [name for name, row in FORMATS.items() if not row.on_request]))
    for what, names, table in (("format", chosen, FORMATS), ("project", projects, PROJECTS)):
        known(what, names, table)
    if "issue" in chosen and not projects:
        raise InvalidUsage(f"--format issue needs a project; add --for with one of {', '.join(PROJECTS)}")
    return chosen


def _issue(view: View, project: str, secrets: Secrets, python: Path | None) -> Format:
    """The row of the issue, for one project, with its script run."""
    made = posting(view, PROJECTS[project], secrets, python)
    if made.run.reason:
        typer.echo(f"the script was not run: {made.run.reason}", err=True)
    typer.echo(f"title: {issue.title(made)}", err=True)
    typer.echo(f"post it at https://github.com/{made.project.repository}/{made.project.start}", err=True)
    render = functools.partial(issue.render, posting=made)
    return replace(FORMATS["issue"], file_name=issue.file_name(project), render=render)


def _write(view: View, run: Path, chosen: list[str], table: dict[str, Format], out: Path | None) -> None:
    if out is not None and str(out) == "-":
        for name in chosen:
            sys.stdout.write(_one_text(name, table[name].render(view)))
        return
    if out is not None and not out.is_dir() and out.suffix:
        if len(chosen) != 1:
            raise InvalidUsage(
                f"{out} is one file, but there are {len(chosen)} formats; name a folder, or one --format"
            )
        _say_written(write_report(out, _one_text(chosen[0], table[chosen[0]].render(view))))
        return
    _say_written(write_reports(view, out or run, chosen, table))
    for name in chosen:
        show = table[name].show
        if show is not None:
            show(view)


def _one_text(name: str, content: Content) -> str:
    if not isinstance(content, str):
        raise InvalidUsage(f"the format {name} is several files; name a folder with --out")
    return content


def _say_written(paths: Iterable[Path]) -> None:
    for path in paths:
        typer.echo(f"wrote {path}")
