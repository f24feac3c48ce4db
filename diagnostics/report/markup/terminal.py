"""Shows a Markdown page: rendered on a terminal, as it is in a pipe or a file."""

from __future__ import annotations

from rich.console import Console
from rich.markdown import Markdown


def show_markdown(page: str, console: Console | None = None) -> None:
    """Prints a page, whose texts are escaped, to standard output unless a console is given."""
    console = console or Console()
    if console.is_terminal:
        console.print(Markdown(page))
    else:
        console.file.write(page)
