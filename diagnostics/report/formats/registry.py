"""The table of report formats: what a run can be rendered to. A new format is one module and one row."""

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
    """One way to write a run down.

    Attributes:
        file_name: in the run folder; `None` where it is for the screen only; of several files, their folder.
        render: the whole text, without colour.
        show: prints it on standard output, in colour on a terminal; `None` where it is for a file only.
        on_request: whether it is written only where it is asked for by its name.
    """

    file_name: str | None
    render: Callable[[View], Content]
    what: str
    show: Callable[[View], None] | None = None
    on_request: bool = False


FORMATS: Final[dict[str, Format]] = {
    "markdown": Format(markdown.FILE_NAME, markdown.render, "what a person reads or attaches to an issue"),
    "summary": Format(summary.FILE_NAME, summary.render, "every verdict with its cost, for programs"),
    "html": Format(
        html.FILE_NAME, html.render, "what a person looks at: matrix, timelines, rates and costs in one page"
    ),
    "png": Format(FOLDER, png.render, "the plots as pictures, for pasting into an issue", on_request=True),
    "svg": Format(FOLDER, svg.render, "the plots as drawings that scale", on_request=True),
    "issue": Format(
        issue.FILE_NAME, issue.render, "the body of an upstream issue, in that project's own form", on_request=True
    ),
    "json": Format(
        view_json.FILE_NAME, view_json.render, "everything a report may show, for programs", on_request=True
    ),
    "trace": Format(trace.FILE_NAME, trace.render, "the timelines, for ui.perfetto.dev", on_request=True),
    "sarif": Format(sarif.FILE_NAME, sarif.render, "the findings, for code scanning", on_request=True),
    "junit": Format(junit.FILE_NAME, junit.render, "each fix in each place as a test, for CI servers", on_request=True),
    "text": Format(None, text.render, "which fix removes the error where, on the screen", text.print_summary),
}


def write_reports(
    view: View,
    folder: Path,
    names: Iterable[str] | None = None,
    table: Mapping[str, Format] = FORMATS,
    *,
    content: bool = False,
) -> tuple[Path, ...]:
    """Writes the formats that have a file, each whole or not at all; without names, those that need not be asked for.

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
    """Writes one file, or several into a folder of that name, each whole or not at all.

    Args:
        content: whether prompts and answers may stay in it.
    """
    secrets = Secrets.of_this_machine(content=content)
    parts = {path: drawn} if isinstance(drawn, str) else {path / name: each for name, each in drawn.items()}
    for place, each in parts.items():
        files.write_drawn(place, each, secrets)
    return tuple(parts)
