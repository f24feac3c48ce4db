"""Shows a Markdown page: rendered on a terminal, without its entities in a pipe or a file."""

from __future__ import annotations

import html

from rich.console import Console
from rich.markdown import Markdown

from diagnostics.report.markup.escape import NO_WIDTH


def show_markdown(page: str, console: Console | None = None) -> None:
    """Prints a page, whose texts are escaped, to standard output unless a console is given."""
    console = console or Console()
    if console.is_terminal:
        console.print(Markdown(page))
    else:
        console.file.write(html.unescape(page).replace(NO_WIDTH, ""))
