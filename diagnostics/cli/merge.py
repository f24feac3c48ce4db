"""`python -m diagnostics merge RUN…`: joins the results of several runs, say from several machines, into one."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from diagnostics.experiment.fixes import FIXES
from diagnostics.report.formats.registry import write_reports
from diagnostics.report.view.build import build_view
from diagnostics.runs import merge as merging
from diagnostics.runs import writer as stores
from diagnostics.runs.reader import RunError, read_run


def merge(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN…", help="The run folders, two or more.")],
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="The merged run's folder; without it, a new one in reports.")
    ] = None,
) -> None:
    """Join runs of one matrix into one, and write its report.

    Example: python -m diagnostics merge results/* --out reports/merged

    Exit status: 0 merged, 1 they do not belong together or cannot be read or written, 2 there is only one.
    """
    if len(runs) < 2:
        _fail("one run needs no merging: name two or more", status=2)
    try:
        merged = merging.join(merging.read_parts(runs))
        folder = out or stores.new_run(Path("reports"))
        merging.write(merged, folder)
        view = build_view(read_run(folder), None, {name: fix.trade_off for name, fix in FIXES.items()})
        write_reports(view, folder)
    except stores.StoreError as error:
        _fail(str(error).replace("--reports", "--out"))
    except (merging.MergeError, RunError) as error:
        _fail(str(error))
    except OSError as error:
        _fail(f"{error.filename or out}: {error.strerror or error}; choose another folder with --out")
    typer.echo(f"{len(merged.trials)} trials of {len(runs)} runs are in {folder}; the report is {folder / 'report.md'}")


def _fail(message: str, *, status: int = 1) -> NoReturn:
    sys.stderr.write(f"diagnostics merge: {message}\n")
    sys.exit(status)
