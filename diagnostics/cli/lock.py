"""`python -m diagnostics lock`: renews the locks of the whole matrix, or checks them."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from diagnostics.cli.options import MATRIX
from diagnostics.lab.combination import Combination, MatrixError
from diagnostics.lab.environments import EnvironmentProblem, Unsatisfiable, locks
from diagnostics.lab.environments.locks import Lock, LockError
from diagnostics.lab.environments.resolve import resolve
from diagnostics.lab.matrix_file import load_matrix
from diagnostics.model.errors import PROGRAM, CommandError, InvalidUsage


def lock(
    check: Annotated[
        bool, typer.Option("--check", help="Change nothing; fail if a lock is missing, stale or incomplete.")
    ] = False,
    missing: Annotated[
        bool, typer.Option("--missing", help="Keep existing locks; add those of new combinations.")
    ] = False,
    as_of: Annotated[
        str | None, typer.Option(help="Resolve as of this day, such as 2026-11-01; needs --output.")
    ] = None,
    output: Annotated[Path | None, typer.Option(help="Write to this folder instead of the project's own.")] = None,
    matrix: Annotated[Path | None, MATRIX] = None,
    jobs: Annotated[int, typer.Option(min=1, help="Resolve this many environments at once.")] = 4,
) -> None:
    """Resolve every environment of the matrix with uv and write the locks.

    Nothing is written unless every combination is resolved or known to be
    unsatisfiable.

    Example: python -m diagnostics lock --missing

    Exit status: 0 written, or all locks fit; 1 it failed, or a lock is wrong;
    2 invalid usage; 130 interrupted.
    """
    if as_of and output is None:
        raise InvalidUsage("--as-of needs --output FOLDER, because the project's own locks are those of today")
    folder = output or locks.COMMITTED
    try:
        combinations = load_matrix(matrix)
        if check:
            _check(combinations, folder)
            return
        kept, known = locks.recorded(combinations, folder) if missing else ({}, {})
        new = [each for each in combinations if each.slug not in kept and each.slug not in known]
        found, reasons = _resolve_all(new, as_of, jobs)
        locks.write(folder, {**kept, **found}, {**known, **reasons})
    except (MatrixError, LockError, EnvironmentProblem) as error:
        raise CommandError(str(error)) from error
    except OSError as error:
        raise CommandError(f"cannot write {folder} ({error.strerror}); choose another folder with --output") from error
    typer.echo(f"{len(found)} locks and {len(reasons)} unsatisfiable combinations written")


def _check(combinations: Sequence[Combination], folder: Path) -> None:
    faults = locks.faults(combinations, folder)
    for fault in faults:
        typer.echo(fault, err=True)
    if faults:
        raise CommandError(f"{len(faults)} faults in the locks; run: {PROGRAM} lock")
    typer.echo(f"the locks fit the matrix: {len(combinations)} combinations")


def _resolve_all(
    combinations: Sequence[Combination], as_of: str | None, jobs: int
) -> tuple[dict[str, Lock], dict[str, str]]:
    found: dict[str, Lock] = {}
    reasons: dict[str, str] = {}
    columns = (
        TextColumn("locking"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.description}"),
    )
    with Progress(*columns, console=Console(stderr=True)) as progress, ThreadPoolExecutor(jobs) as pool:
        task = progress.add_task("", total=len(combinations))
        answers: dict[Future[Lock], str] = {pool.submit(resolve, c, as_of=as_of): c.slug for c in combinations}
        try:
            for answer in as_completed(answers):
                slug = answers[answer]
                try:
                    found[slug] = answer.result()
                except Unsatisfiable as error:
                    reasons[slug] = error.reason
                progress.update(task, advance=1, description=slug)
        except BaseException:
            # What is left would ask the same index in vain, or keep somebody waiting after Ctrl-C.
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return found, reasons
