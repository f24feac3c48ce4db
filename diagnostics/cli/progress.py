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


@contextmanager
def progress(total: int, kept: int) -> Iterator[RunListener]:
    """The listener that fits where standard error goes.

    Args:
        total: environments.
        kept: trials that an earlier part of this run has stored.
    """
    if kept:
        sys.stderr.write(f"resuming: {kept} trials are kept\n")
    console = Console(stderr=True)
    if not console.is_terminal:
        yield ProgressLines(total)
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
        yield Bar(bar, bar.add_task("preparing environments", total=None), total)


class ProgressLines:
    """One line an environment, as it ends; the count is of those that have."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._ended = 0
        self._symptoms: dict[str, Counter[str]] = {}

    def environment(self, slug: str, status: str, reason: str | None, trials: int) -> None:  # noqa: ARG002 - of the protocol
        """Says so where there is nothing to wait for."""
        if status != "ran":
            self._say(f"{slug}: {status}: {reason}")

    def trial(self, trial: Trial) -> None:
        """Counts."""
        slug = trial.environment.name.rpartition("-")[0]
        self._symptoms.setdefault(slug, Counter())[trial.symptom or trial.status] += 1

    def environment_done(self, slug: str) -> None:
        """Prints what came out."""
        counts = self._symptoms.pop(slug, Counter())
        shown = ", ".join(f"{count} {what}" for what, count in counts.most_common()) or "nothing left to do"
        self._say(f"{slug}: {counts.total()} trials: {shown}")

    def _say(self, text: str) -> None:
        self._ended += 1
        sys.stderr.write(f"[{self._ended}/{self._total}] {text}\n")


class Bar:
    """A bar with counts, the time left, and the cell in hand."""

    def __init__(self, bar: Progress, task: TaskID, total: int) -> None:
        self._bar = bar
        self._task = task
        self._waiting = total
        self._trials = 0
        self._done = 0

    def environment(self, slug: str, status: str, reason: str | None, trials: int) -> None:  # noqa: ARG002 - of the protocol
        """Grows the bar; it is whole once every environment has begun."""
        self._waiting -= 1
        self._trials += trials
        self._bar.update(self._task, total=self._trials or None)
        if status != "ran":
            self._bar.console.print(f"{slug}: {status}", style="dim", markup=False, highlight=False)

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
