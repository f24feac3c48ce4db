"""`python -m diagnostics history`: what every kept search found, as one Markdown table."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from diagnostics.model.bisection import Bisection
from diagnostics.model.codec import RecordError
from diagnostics.model.errors import CommandError, CommandInterrupted
from diagnostics.report.formats.bisection import markdown_table, read

KEPT = Path("reports") / "history"


def history(
    folder: Annotated[Path, typer.Argument(help="Where `bisect --json` has written to.")] = KEPT,
    again: Annotated[
        bool, typer.Option("--again", help="First make each search again, up to the newest release of today.")
    ] = False,
) -> None:
    """Print the history of every search in a folder as one table.

    Example: python -m diagnostics history --again > histories.md

    Exit status: 0 printed, 1 it could not be, 130 interrupted.
    """
    files = sorted(folder.glob("*.json"))
    if not files:
        raise CommandError(
            f"no search is kept in {folder}; run: python -m diagnostics bisect openai --all --json {folder}/openai.json"
        )
    if again:
        for file in files:
            _repeat(file, _read(file))
    sys.stdout.write(markdown_table(_read(file) for file in files))


def _read(file: Path) -> Bisection:
    try:
        return read(file.read_text(encoding="utf-8"))
    except (OSError, RecordError) as error:
        raise CommandError(f"cannot read {file} ({error}); repeat that search, or remove the file") from error


def _repeat(file: Path, found: Bisection) -> None:
    command = [sys.executable, *found.command[1:], "--json", str(file)]
    try:
        status = subprocess.run(command, stdout=subprocess.DEVNULL, check=False).returncode
    except KeyboardInterrupt:
        raise CommandInterrupted("interrupted; the searches that finished are kept") from None
    if status:
        raise CommandError(f"cannot repeat the search of {file.name}; see the error above", status=status)
