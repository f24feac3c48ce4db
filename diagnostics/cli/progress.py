"""What a person sees while a run goes on: a bar on a terminal, one line an environment elsewhere."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Column

from diagnostics.lab.run import RunListener
from diagnostics.model.trial import Trial
from diagnostics.model.visible import visible


@contextmanager
def progress(total: int, kept: int) -> Iterator[RunListener]:
    """The listener that fits where standard error goes."""
    if kept:
        sys.stderr.write(f"resuming: {kept} trials are kept\n")
    console = Console(stderr=True)
    unusable = Unusable()
    if not console.is_terminal:
        yield ProgressLines(total, unusable)
        sys.stderr.writelines(f"{line}\n" for line in unusable.rest())
        return
    columns = (
        TextColumn("[bold]trials[/]"),
        BarColumn(bar_width=16),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("left"),
        # Whatever is too long for the terminal is cut here, and not in the counts.
        TextColumn("{task.description}", markup=False, table_column=Column(ratio=1, no_wrap=True, overflow="ellipsis")),
    )
    with Progress(*columns, console=console, expand=True) as bar:
        yield Bar(bar, bar.add_task("preparing environments", total=None), total, unusable)
    for line in unusable.rest():
        console.print(line, style="dim", markup=False, highlight=False)


class Unusable:
    """Environments that cannot be used, by the reason, so that each reason is printed once."""

    def __init__(self) -> None:
        self._others: dict[tuple[str, str | None], list[str]] = {}

    def line(self, slug: str, status: str, reason: str | None) -> str | None:
        """What to print at once; `None` where the reason has been printed."""
        others = self._others.get((status, reason))
        if others is not None:
            others.append(slug)
            return None
        self._others[status, reason] = []
        return visible(f"{slug}: {status}: {reason}")

    def rest(self) -> list[str]:
        """A line for each reason that several environments share."""
        return [
            f"{len(slugs)} more {status}, for the same reason: {slugs[0]}{' and others' if slugs[1:] else ''}"
            for (status, _), slugs in self._others.items()
            if slugs
        ]


class ProgressLines:
    """One line an environment, as it ends; the count is of those that have."""

    def __init__(self, total: int, unusable: Unusable) -> None:
        self._total = total
        self._unusable = unusable
        self._ended = 0
        self._symptoms: dict[str, Counter[str]] = {}

    def environment(self, slug: str, status: str, reason: str | None, trials: int) -> None:  # noqa: ARG002 - of the protocol
        """Says so where there is nothing to wait for."""
        if status != "ran":
            self._say(self._unusable.line(slug, status, reason))

    def trial(self, trial: Trial) -> None:
        """Counts."""
        slug = trial.environment.name.rpartition("-")[0]
        self._symptoms.setdefault(slug, Counter())[trial.symptom or trial.status] += 1

    def environment_done(self, slug: str) -> None:
        """Prints what came out."""
        counts = self._symptoms.pop(slug, Counter())
        shown = ", ".join(f"{count} {what}" for what, count in counts.most_common()) or "nothing left to do"
        self._say(f"{slug}: {counts.total()} trials: {shown}")

    def _say(self, text: str | None) -> None:
        self._ended += 1
        if text is not None:
            sys.stderr.write(f"[{self._ended}/{self._total}] {text}\n")


class Bar:
    """A bar with counts, the time left, and the cell in hand."""

    def __init__(self, bar: Progress, task: TaskID, total: int, unusable: Unusable) -> None:
        self._bar = bar
        self._task = task
        self._waiting = total
        self._unusable = unusable
        self._trials = 0
        self._done = 0

    def environment(self, slug: str, status: str, reason: str | None, trials: int) -> None:
        """Grows the bar; it is whole once every environment has begun."""
        self._waiting -= 1
        self._trials += trials
        self._bar.update(self._task, total=self._trials or None)
        line = None if status == "ran" else self._unusable.line(slug, status, reason)
        if line is not None:
            self._bar.console.print(line, style="dim", markup=False, highlight=False)

    def trial(self, trial: Trial) -> None:
        """Moves the bar."""
        cell = trial.cell
        packages = trial.environment.packages
        version = packages.get(cell.provider, "")
        more = f" (+{self._waiting} environments)" if self._waiting else ""
        self._bar.update(
            self._task,
            advance=1,
            description=f"py{trial.environment.python} {cell.provider} {version} {cell.scenario} {cell.fix}{more}",
        )

    def environment_done(self, slug: str) -> None:
        """Nothing: the bar has moved with each trial."""
