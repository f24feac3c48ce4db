"""What changed between two runs, as Markdown and on a terminal; the formats of `report A B`."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from rich.console import Console
from rich.text import Text

from diagnostics.model.cell import BASELINE
from diagnostics.report.markup.escape import Md, code, row, text
from diagnostics.report.markup.truncate import LIMIT, truncate
from diagnostics.report.view.compare import Changes, Moved, VerdictChange
from diagnostics.report.view.phrasing import count

MARKS: Final = {True: "better", False: "worse", None: ""}
_STYLES = {True: "green", False: "red", None: ""}
_MOST_LINES = 200


@dataclass(frozen=True)
class ChangesFormat:
    """One way to show what changed.

    Attributes:
        render: the whole text.
        show: prints it on standard output; `None` where it is written alone.
    """

    what: str
    render: Callable[[Changes], str]
    show: Callable[[Changes], None] | None = None


def markdown(changes: Changes, limit: int = LIMIT) -> str:
    """Markdown, under 60,000 characters whatever the runs."""
    groups = {
        "Changed combinations": [_cell_row(each) for each in changes.changed],
        "New combinations": [_cell_row(each) for each in changes.appeared],
        "Removed combinations": [_cell_row(each) for each in changes.vanished],
        "Changed releases": [_moved_row(each) for each in changes.moved],
    }
    cells = ("environment", "provider", "scenario", "fix", "before", "after", "")
    moves = ("package", "before", "after", "environments")

    def document(keep: Mapping[str, int]) -> str:
        parts = ["# What changed between two runs", text(summary(changes))]
        for name, rows in groups.items():
            if rows:
                titles = moves if name == "Changed releases" else cells
                head = [row([text(each) for each in titles]), row([Md("---")] * len(titles))]
                parts += [f"## {name}", "\n".join([*head, *rows[: keep[name]]])]
                left = len(rows) - keep[name]
                parts += [f"_{count(left, 'row')} left out to keep this page short._"] if left else []
        return "\n\n".join(parts) + "\n"

    return truncate(document, dict(reversed(groups.items())), limit)


def summary(changes: Changes) -> str:
    """The first sentence: how much changed, and which way."""
    better = sum(each.better is True for each in changes.changed)
    worse = sum(each.better is False for each in changes.changed)
    return (
        f"From {changes.before} to {changes.after}: {count(len(changes.changed), 'cell')} changed ({better} better, "
        f"{worse} worse), {len(changes.appeared)} appeared, {len(changes.vanished)} vanished, {changes.same} are "
        f"unchanged; {count(len(changes.moved), 'release')} moved."
    )


def plain(changes: Changes) -> str:
    """The terminal's text without colour."""
    out = io.StringIO()
    show(changes, Console(file=out, no_color=True, force_terminal=False, width=10_000, legacy_windows=False))
    return out.getvalue()


def show(changes: Changes, console: Console | None = None) -> None:
    """Prints what changed, one line each; in colour on a terminal."""
    console = console or Console()
    console.soft_wrap = not console.is_terminal
    console.print(Text(_clean(summary(changes)), style="bold"))
    for move in changes.moved[:_MOST_LINES]:
        words = f"{move.package} {move.before or 'none'} -> {move.after or 'none'}"
        console.print(Text(_clean(f"  moved {words} ({count(len(move.environments), 'environment')})")))
    for name, group in (("changed", changes.changed), ("appeared", changes.appeared), ("vanished", changes.vanished)):
        _group(console, name, group)


def _group(console: Console, name: str, group: Sequence[VerdictChange]) -> None:
    shown = sorted(group, key=lambda each: each.cell.environment)[:_MOST_LINES]
    words = {each: f"{each.before or '-'} -> {each.after or '-'}" for each in shown}
    width = max(map(len, words.values()), default=0)
    for environment, cells in groupby(shown, key=lambda each: each.cell.environment):
        console.print(Text(_clean(f"  {name} in {environment}")))
        for each in cells:
            cell = each.cell
            line = f"    {words[each]:{width}}  {cell.provider} {cell.scenario}, {cell.fix}"
            console.print(Text(_clean(line), style=_STYLES[each.better] if name == "changed" else "dim"))
    if len(group) > _MOST_LINES:
        console.print(Text(f"  {name}: {len(group) - _MOST_LINES} more; --format markdown has more of them"))


def _cell_row(change: VerdictChange) -> Md:
    cell = change.cell
    fix = Md("no fix") if cell.fix == BASELINE else code(cell.fix)
    said = [text(change.before or "—"), text(change.after or "—"), Md(MARKS[change.better])]
    return row([code(cell.environment, 120), text(cell.provider), code(cell.scenario), fix, *said])


def _moved_row(move: Moved) -> Md:
    named = ", ".join(code(each, 80) for each in move.environments[:3])
    more = f" and {len(move.environments) - 3} more" if len(move.environments) > 3 else ""
    return row([text(move.package), text(move.before or "—"), text(move.after or "—"), Md(named + more)])


def _clean(words: str) -> str:
    """No escape sequence of a run reaches the terminal."""
    return "".join(char if char.isprintable() else " " for char in words)


CHANGES_FORMATS: Final[dict[str, ChangesFormat]] = {
    "text": ChangesFormat("one line for each change, on the screen", plain, show),
    "markdown": ChangesFormat("tables, to attach to an issue", markdown),
}
