"""The table of report formats. A new format is one module and one row."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from diagnostics.redaction import Secrets, files
from diagnostics.report.formats import junit, markdown, png, sarif, summary, svg, text, trace, view_json
from diagnostics.report.formats.drawing import FOLDER
from diagnostics.report.issues import issue
from diagnostics.report.page import html
from diagnostics.report.view.view_models import View

Content = str | Mapping[str, bytes]
"""The text of one file, or the bytes of several by their names."""


@dataclass(frozen=True)
class Format:
    """One way to render a run.

    Attributes:
        file_name: in the run folder; `None` where it is for the screen only; of several files, their folder.
        render: the whole text, without colour.
        show: prints it on standard output, in colour on a terminal; `None` where it is for a file only.
        on_request: whether it is written only if its name is given.
    """

    file_name: str | None
    render: Callable[[View], Content]
    what: str
    show: Callable[[View], None] | None = None
    on_request: bool = False


FORMATS: Final[dict[str, Format]] = {
    "markdown": Format(markdown.FILE_NAME, markdown.render, "tables for people, ready to attach to an issue"),
    "summary": Format(summary.FILE_NAME, summary.render, "every verdict with its cost, for programs"),
    "html": Format(html.FILE_NAME, html.render, "an interactive page: matrix, timelines, rates and costs"),
    "png": Format(FOLDER, png.render, "the plots as pictures, to paste into an issue", on_request=True),
    "svg": Format(FOLDER, svg.render, "the plots as vector graphics", on_request=True),
    "issue": Format(
        issue.FILE_NAME, issue.render, "the body of an upstream issue, in the project's own form", on_request=True
    ),
    "json": Format(
        view_json.FILE_NAME, view_json.render, "everything that a report shows, for programs", on_request=True
    ),
    "trace": Format(trace.FILE_NAME, trace.render, "the timelines, for ui.perfetto.dev", on_request=True),
    "sarif": Format(sarif.FILE_NAME, sarif.render, "the findings, for code scanning", on_request=True),
    "junit": Format(junit.FILE_NAME, junit.render, "each fix and combination as a test, for CI", on_request=True),
    "text": Format(None, text.render, "a summary on the terminal", text.print_summary),
}


def write_reports(
    view: View,
    folder: Path,
    names: Iterable[str] | None = None,
    table: Mapping[str, Format] = FORMATS,
    *,
    content: bool = False,
) -> tuple[Path, ...]:
    """Writes the formats that have a file, atomically; without names, every format that is not `on_request`.

    Args:
        content: whether prompts and answers may stay in them.

    Raises:
        OSError: the folder cannot be written.
        NotDrawn: the libraries for plots are missing.
    """
    written: list[Path] = []
    for name in (name for name, row in table.items() if not row.on_request) if names is None else names:
        chosen = table[name]
        if chosen.file_name is not None:
            written += write_report(folder / chosen.file_name, chosen.render(view), content=content)
    return tuple(written)


def write_report(path: Path, drawn: Content, *, content: bool = False) -> tuple[Path, ...]:
    """Writes one file, or several into a folder of that name, atomically."""
    secrets = Secrets.of_this_machine(content=content)
    parts = {path: drawn} if isinstance(drawn, str) else {path / name: each for name, each in drawn.items()}
    for place, each in parts.items():
        files.write_drawn(place, each, secrets)
    return tuple(parts)
