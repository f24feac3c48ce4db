"""A phase as Markdown and on a terminal."""

from __future__ import annotations

import re

from rich import box
from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text

from diagnostics.model.libraries import named
from diagnostics.model.phase import KNOWN, PhaseResult, Table
from diagnostics.report.markup.escape import Md, prose, row, text

ROWS_AT_MOST = 60
"""Rows of a table that a page and a screen show; all of them are in the JSON."""

_PIPE_WIDTH = 200


def markdown(found: PhaseResult) -> str:
    """The text of `phaseN.md`."""
    lines = [f"# Phase {found.number}: {text(found.title)}", "", _where(found), ""]
    for answer in found.answers:
        lines += [f"## {text(answer.question)}", ""]
        mark = "" if answer.verdict == KNOWN else "**Cannot tell.** "
        lines += [mark + " ".join(prose(sentence) for sentence in answer.sentences), ""]
        for table in answer.tables:
            lines += [*_table(table), ""]
    return "\n".join(lines).rstrip() + "\n"


def _where(found: PhaseResult) -> Md:
    ran = sum(trial.status == "ran" for trial in found.trials)
    return Md(
        f"{prose(described(found))} {len(found.trials)} trials, {ran} of them ran; {found.seconds:.1f} s. "
        f"Started {text(found.started)}."
    )


def described(found: PhaseResult) -> str:
    """The environment and the machine in a sentence."""
    packages = found.environment.packages
    names = named("sdk", "client", "pool", "transport")
    stack = ", ".join(f"{name} {packages[name]}" for name in names if name in packages)
    cpus = found.machine.cpus
    processors = f", {cpus} processors" if cpus else ""
    return (
        f"`{found.provider}` on Python {found.environment.python} ({found.environment.loop}) with {stack}; "
        f"{found.machine.system}{processors}."
    )


def _table(table: Table) -> list[str]:
    shown = [
        f"*{text(table.title)}*",
        "",
        row([text(column) for column in table.columns]),
        row([Md("---")] * len(table.columns)),
    ]
    shown += [row([prose(cell) for cell in cells]) for cells in table.rows[:ROWS_AT_MOST]]
    if len(table.rows) > ROWS_AT_MOST:
        shown += ["", f"_{len(table.rows) - ROWS_AT_MOST} more rows are in the JSON file._"]
    return shown


def show(found: PhaseResult, console: Console | None = None) -> None:
    """Prints a phase, in colour on a terminal."""
    console = console or Console()
    if not console.is_terminal:
        console.width = max(console.width, _PIPE_WIDTH)
    console.print(Text(f"Phase {found.number}: {found.title}", style="bold"))
    console.print(Text(plain(described(found)), style="dim"))
    for answer in found.answers:
        console.print()
        console.print(Text(plain(answer.question), style="bold cyan"))
        for table in answer.tables:
            console.print(_grid(table, ascii_only=not console.is_terminal))
        mark = Text() if answer.verdict == KNOWN else Text("Cannot tell: ", style="bold yellow")
        console.print(Text.assemble(mark, plain(" ".join(answer.sentences))))


def _grid(table: Table, *, ascii_only: bool) -> Grid:
    grid = Grid(title=table.title, title_justify="left", box=box.ASCII2 if ascii_only else box.ROUNDED)
    for column in table.columns:
        grid.add_column(Text(plain(column)), overflow="fold")
    for cells in table.rows[:ROWS_AT_MOST]:
        grid.add_row(*(Text(plain(cell)) for cell in cells))
    return grid


def plain(sentence: str) -> str:
    """Without backticks, and without an escape sequence of a trial."""
    return "".join(char if char.isprintable() else " " for char in re.sub(r"`([^`]+)`", r"\1", sentence))
