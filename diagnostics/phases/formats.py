"""A phase as Markdown and on a terminal."""

from __future__ import annotations

import re
from typing import Final

from rich import box
from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text

from diagnostics.model.libraries import named
from diagnostics.model.phase import KNOWN, PhaseAnswer, PhaseResult, Table
from diagnostics.report.markup.escape import Md, prose, row, text

MOST_ROWS: Final = 60
"""Rows of a table that a page and a terminal show; the JSON has all of them."""

_PIPE_WIDTH: Final = 200


def markdown(record: PhaseResult) -> str:
    """Returns the text of `phaseN.md`."""
    lines = [f"# Phase {record.number}: {text(record.title)}", "", _subtitle(record), ""]
    for answer in record.answers:
        lines += [f"## {text(answer.question)}", ""]
        mark = "" if answer.verdict == KNOWN else "**Unknown.** "
        lines += [mark + " ".join(prose(sentence) for sentence in answer.sentences), ""]
        for table in answer.tables:
            lines += [*table_lines(table), ""]
    return "\n".join(lines).rstrip() + "\n"


def _subtitle(record: PhaseResult) -> Md:
    ran = sum(trial.status == "ran" for trial in record.trials)
    return Md(
        f"{prose(described(record))} {ran} of {len(record.trials)} trials ran, in {record.seconds:.1f} s. "
        f"Started {text(record.started)}."
    )


def described(record: PhaseResult) -> str:
    """Returns the environment and the machine in a sentence."""
    packages = record.environment.packages
    names = named("sdk", "client", "pool", "transport")
    stack = ", ".join(f"{name} {packages[name]}" for name in names if name in packages)
    cpus = record.machine.cpus
    processors = f", {cpus} processors" if cpus else ""
    return (
        f"`{record.provider}` on Python {record.environment.python} ({record.environment.loop}) with {stack}; "
        f"{record.machine.system}{processors}."
    )


def table_lines(table: Table) -> list[str]:
    """Returns a table in Markdown."""
    shown = [
        f"*{text(table.title)}*",
        "",
        row([text(column) for column in table.columns]),
        row([Md("---")] * len(table.columns)),
    ]
    shown += [row([prose(cell) for cell in cells]) for cells in table.rows[:MOST_ROWS]]
    if len(table.rows) > MOST_ROWS:
        shown += ["", f"_{len(table.rows) - MOST_ROWS} more rows are in the JSON file._"]
    return shown


def show(record: PhaseResult, console: Console | None = None) -> None:
    """Prints a phase, in colour on a terminal."""
    console = console or Console()
    if not console.is_terminal:
        console.width = max(console.width, _PIPE_WIDTH)
    console.print(Text(f"Phase {record.number}: {record.title}", style="bold"))
    console.print(Text(plain(described(record)), style="dim"))
    for answer in record.answers:
        console.print()
        console.print(Text(plain(answer.question), style="bold cyan"))
        for table in answer.tables:
            console.print(grid(table, ascii_only=not console.is_terminal))
        console.print(answer_line(answer))


def answer_line(answer: PhaseAnswer) -> Text:
    """Returns the sentences of an answer, marked if it is unknown."""
    mark = Text() if answer.verdict == KNOWN else Text("Unknown: ", style="bold yellow")
    return Text.assemble(mark, plain(" ".join(answer.sentences)))


def grid(table: Table, *, ascii_only: bool) -> Grid:
    """Returns a table for a terminal."""
    shown = Grid(title=table.title, title_justify="left", box=box.ASCII2 if ascii_only else box.ROUNDED)
    for column in table.columns:
        shown.add_column(Text(plain(column)), overflow="fold")
    for cells in table.rows[:MOST_ROWS]:
        shown.add_row(*(Text(plain(cell)) for cell in cells))
    return shown


def plain(sentence: str) -> str:
    """Returns a sentence without backticks, and without the escape sequences that a trial may have printed."""
    return "".join(char if char.isprintable() else " " for char in re.sub(r"`([^`]+)`", r"\1", sentence))
