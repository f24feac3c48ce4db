"""`python -m diagnostics report RUN`: renders the reports of a run again from its records."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from diagnostics.experiment.fixes import FIXES
from diagnostics.report.formats import FORMATS, write_reports
from diagnostics.report.read import RunError, read_run
from diagnostics.report.redact import Secrets
from diagnostics.report.view import build_view


def report(
    run: Annotated[Path, typer.Argument(help="The run folder, such as reports/latest.")],
    formats: Annotated[
        list[str] | None,
        typer.Option("--format", "-f", help=f"{', '.join(FORMATS)}; may be given several times; all, if left out."),
    ] = None,
) -> None:
    """Writes report.md and summary.json of a run again, and prints which fix removes the error where."""
    chosen = formats or list(FORMATS)
    unknown = [name for name in chosen if name not in FORMATS]
    if unknown:
        _fail(f"there is no format {unknown[0]!r}; choose from {', '.join(FORMATS)}")
    try:
        notes = {name: fix.trade_off for name, fix in FIXES.items()}
        view = build_view(read_run(run), Secrets.of_this_machine(), notes)
        written = write_reports(view, run, chosen)
    except RunError as error:
        _fail(str(error))
    except OSError as error:
        _fail(f"{run}: cannot write there ({error.strerror or error}); copy the run to a folder that can be written")
    for path in written:
        typer.echo(f"wrote {path}")
    for name in chosen:
        show = FORMATS[name].show
        if show is not None:
            show(view)


def _fail(message: str) -> None:
    typer.echo(f"error: {message}", err=True)
    sys.exit(1)
