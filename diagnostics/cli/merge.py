"""`python -m diagnostics merge RUN…`: joins several runs, for example of several machines, into one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from diagnostics.model.errors import CommandError, InvalidInput, InvalidUsage
from diagnostics.report.formats.registry import write_reports
from diagnostics.runs import merge as merging
from diagnostics.runs import writer as stores
from diagnostics.runs.reader import RunError
from diagnostics.workflows.report import view_of


def merge(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN…", help="Two or more run folders.")],
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Write to this folder; by default a new one in reports."),
    ] = None,
) -> None:
    """Merge runs of one matrix into one, and write its report.

    Example: python -m diagnostics merge results/* --out reports/merged

    Exit status: 0 merged; 1 it cannot be written; 2 invalid usage, or the runs
    do not fit together or cannot be read; 130 interrupted.
    """
    if len(runs) < 2:
        raise InvalidUsage("only one run given; name two or more")
    try:
        merged = merging.join(merging.read_parts(runs))
        folder = out or stores.new_run(Path("reports"))
        merging.write(merged, folder)
        write_reports(view_of(folder), folder)
    except stores.StoreError as error:
        raise CommandError(str(error).replace("--reports", "--out")) from error
    except (merging.MergeError, RunError) as error:
        raise InvalidInput(str(error)) from error
    except OSError as error:
        raise CommandError(
            f"cannot write {error.filename or out} ({error.strerror or error}); choose another folder with --out"
        ) from error
    typer.echo(f"{len(merged.trials)} trials of {len(runs)} runs are in {folder}; the report is {folder / 'report.md'}")
