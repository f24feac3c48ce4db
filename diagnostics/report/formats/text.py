"""The summary printed at the end of a run: the headline, and which fix removes the error where.

In colour on a terminal, plain when piped or where `NO_COLOR` is set; a pipe gets lines as long as they need to be.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence

from rich import box
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from diagnostics.model.placeholders import PRIVACY, sentence
from diagnostics.report.page.data import VERDICT_SIGNS
from diagnostics.report.view.headline import headline
from diagnostics.report.view.rates import why_enough
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
        tables, short = _tables(view, console)
        for table in tables:
            console.print(table)
        signs = [f"{sign} {verdict}" for verdict, sign in VERDICT_SIGNS.items()] if short else []
        legend = ", ".join([*signs, "— not tried or not possible"])
        console.print(Text(f"Counts are combinations of environment and scenario: {legend}."))
        console.print(Text(why_enough(view.subjects)))
    console.print(Text(f"{sentence(view.redacted)} See {PRIVACY}"), soft_wrap=True)


def render(view: View) -> str:
    """The same as plain text."""
    out = io.StringIO()
    print_summary(view, Console(file=out, no_color=True, force_terminal=False, width=_PIPE_WIDTH, legacy_windows=False))
    return out.getvalue()


def _tables(view: View, console: Console) -> tuple[list[Table], bool]:
    """The first that fits of: in words, with signs, with rows and columns swapped; else several. Then if with signs."""
    found = columns(view.subjects)
    counts = {(fix, column): tally(subjects, fix) for column, subjects in found.items() for fix in view.fixes}
    swapped = {(column, fix): each for (fix, column), each in counts.items()}
    fixes, clients = list(view.fixes), list(found)
    tables = (
        _table("fix", fixes, clients, counts, console, short=False),
        _table("fix", fixes, clients, counts, console),
        _table("client", clients, fixes, swapped, console),
    )
    fitting = next((table for table in tables if _width(table, console) <= console.width), None)
    if fitting is not None:
        return [fitting], fitting is not tables[0]
    parts: list[list[str]] = [[]]
    for client in clients:
        more = _table("fix", fixes, [*parts[-1], client], counts, console)
        if parts[-1] and _width(more, console) > console.width:
            parts.append([])
        parts[-1].append(client)
    return [_table("fix", fixes, part, counts, console) for part in parts], True


def _width(table: Table, console: Console) -> int:
    return Measurement.get(console, console.options.update_width(10_000), table).maximum


def _table(
    of: str,
    rows: Sequence[str],
    titles: Sequence[str],
    counts: Mapping[tuple[str, str], Tally],
    console: Console,
    short: bool = True,
) -> Table:
    plain = not console.is_terminal
    table = Table(
        title=None if plain else "Which fix removes the error where", box=box.ASCII2 if plain else box.ROUNDED
    )
    table.add_column(of, no_wrap=True)
    for title in titles:
        name = _clean(title)
        table.add_column(Text(name.replace(" · ", "\n").replace("-", "-\n") if short else name))
    for name in rows:
        cells = [counts[name, title] for title in titles]
        said = (_signs(found) if short else found.in_words() for found in cells)
        table.add_row(Text(_clean(name)), *map(Text, said, map(_style, cells)))
    return table


def _signs(found: Tally) -> str:
    return (
        " ".join(f"{VERDICT_SIGNS[verdict]}{count}" for verdict, count in found.by_verdict.items()) or found.in_words()
    )


def _style(found: Tally) -> str:
    if not found.said:
        return "dim"
    if found.removes == found.said:
        return "green"
    return "yellow" if found.removes or found.hides else "red"


def _clean(text: str) -> str:
    """No escape sequence of a run reaches the terminal."""
    return "".join(char if char.isprintable() else " " for char in text)
