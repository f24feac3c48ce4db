"""`python -m diagnostics history`: prints the results of all kept searches as one Markdown table."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from diagnostics.model.bisection import Bisection
from diagnostics.model.codec import RecordError
from diagnostics.model.errors import PROGRAM, CommandError, CommandInterrupted, InvalidInput
from diagnostics.report.formats.bisection import markdown_table, read
from diagnostics.runs.bounded import FileRefused, read_bytes

KEPT = Path("reports") / "history"

_SEARCH = ("-m", "diagnostics", "bisect")


def history(
    folder: Annotated[Path, typer.Argument(help="The folder to which `bisect --json` wrote.")] = KEPT,
    again: Annotated[bool, typer.Option("--again", help="Repeat each search first, up to the newest release.")] = False,
) -> None:
    """Print what the searches of `bisect --json` found as one Markdown table.

    Example: python -m diagnostics history --again > histories.md

    Exit status: 0 printed; 1 it failed; 2 invalid usage, or a search cannot be read;
    130 interrupted; with --again, the status of the search that failed.
    """
    files = sorted(folder.glob("*.json"))
    if not files:
        raise InvalidInput(
            f"no search is kept in {folder}; run: {PROGRAM} bisect openai --all --json {folder}/openai.json"
        )
    if again:
        for file in files:
            _repeat(file, _read(file))
    sys.stdout.write(markdown_table(_read(file) for file in files))


def _read(file: Path) -> Bisection:
    try:
        return read(read_bytes(file))
    except (OSError, FileRefused, RecordError) as error:
        raise InvalidInput(f"cannot read {file} ({error}); repeat that search, or remove the file") from error


def _repeat(file: Path, found: Bisection) -> None:
    if found.command[1:4] != _SEARCH:  # a record of somebody else may have any command
        raise InvalidInput(f"the command of {file.name} is no search; repeat it with: {PROGRAM} bisect")
    command = [sys.executable, *found.command[1:], "--json", str(file)]
    try:
        status = subprocess.run(command, stdout=subprocess.DEVNULL, check=False).returncode
    except KeyboardInterrupt:
        raise CommandInterrupted("interrupted; the searches that finished are kept") from None
    if status:
        raise CommandError(f"cannot repeat the search of {file.name}; see the error above", status=status)
