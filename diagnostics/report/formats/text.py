"""The summary printed at the end of a run: the headline, and which fix removes the error where.

In colour on a terminal, plain when piped or where `NO_COLOR` is set; a pipe gets lines as long as they need to be.
"""

from __future__ import annotations

import io

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from diagnostics.redaction.kinds import PRIVACY, sentence
from diagnostics.report.view.headline import headline
from diagnostics.report.view.tally import Tally, columns, tally
from diagnostics.report.view.view_models import View

_PIPE_WIDTH = 250


def print_summary(view: View, console: Console | None = None) -> None:
    """Prints the summary of a run; `console` is where to, standard output if it is left out."""
    console = console or Console()
    if not console.is_terminal:
        console.width = max(console.width, _PIPE_WIDTH)
    for line in headline(view):
        console.print(Text.assemble((f"{line.title}: ", "bold"), _clean(line.sentence)))
    for warning in view.warnings:
        console.print(Text.assemble(("Warning: ", "bold yellow"), _clean(warning)))
    if view.fixes and view.subjects:
        console.print(_table(view, plain=not console.is_terminal))
        console.print(
            Text("counts are combinations of environment and scenario; · not reproduced; — not tried or not possible")
        )
    console.print(Text(f"{sentence(view.redacted)} See {PRIVACY}"), soft_wrap=True)


def render(view: View) -> str:
    """The same as plain text."""
    out = io.StringIO()
    print_summary(view, Console(file=out, no_color=True, force_terminal=False, width=_PIPE_WIDTH, legacy_windows=False))
    return out.getvalue()


def _table(view: View, plain: bool) -> Table:
    table = Table(
        title=None if plain else "Which fix removes the error where", box=box.ASCII2 if plain else box.ROUNDED
    )
    shown = columns(view.subjects)
    table.add_column("fix", no_wrap=True)
    for column in shown:
        table.add_column(Text(_clean(column)))
    for fix in view.fixes:
        tallies = [tally(found, fix) for found in shown.values()]
        table.add_row(Text(_clean(fix)), *(Text(found.in_words(), style=_style(found)) for found in tallies))
    return table


def _style(found: Tally) -> str:
    if not found.said:
        return "dim"
    if found.removes == found.said:
        return "green"
    return "yellow" if found.removes or found.hides else "red"


def _clean(text: str) -> str:
    """No escape sequence of a run reaches the terminal."""
    return "".join(char if char.isprintable() else " " for char in text)
