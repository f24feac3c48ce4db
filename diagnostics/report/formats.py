"""The table of report formats: what a run can be rendered to. A new format is one module and one row."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from diagnostics.report import markdown, summary, terminal
from diagnostics.report.shapes import View


@dataclass(frozen=True)
class Format:
    """One way to write a run down.

    Attributes:
        file_name: in the run folder; `None` where it is for the screen only.
        render: the whole text, without colour.
        show: prints it on standard output, in colour on a terminal; `None` where it is for a file only.
    """

    file_name: str | None
    render: Callable[[View], str]
    what: str
    show: Callable[[View], None] | None = None


FORMATS: Final[dict[str, Format]] = {
    "markdown": Format(markdown.FILE_NAME, markdown.render, "what a person reads or attaches to an issue"),
    "summary": Format(summary.FILE_NAME, summary.render, "every verdict with its cost, for programs"),
    "terminal": Format(
        None, terminal.render, "which fix removes the error where, on the screen", terminal.print_summary
    ),
}


def write_reports(view: View, folder: Path, names: Iterable[str] | None = None) -> tuple[Path, ...]:
    """Writes the formats that have a file, each whole or not at all; all of them where no names are given.

    Raises:
        OSError: the folder cannot be written.
    """
    written = []
    for name in FORMATS if names is None else names:
        chosen = FORMATS[name]
        if chosen.file_name is not None:
            written.append(_write(folder / chosen.file_name, chosen.render(view)))
    return tuple(written)


def _write(path: Path, content: str) -> Path:
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace", newline="\n") as file:
            file.write(content)
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return path
