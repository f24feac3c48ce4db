"""What a person sees when an analysis has ended: a table of configurations, and a line for each strategy."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rich import box
from rich.console import Console
from rich.table import Table

from diagnostics.jets.analysis import Analysis, Row
from diagnostics.model.finding import Finding

_PIPE_WIDTH = 100
"""A pipe has no width of its own, and a table that is cut there is of no use."""


@dataclass(frozen=True)
class StrategyResult:
    """A strategy, what came out of it, and what was seen beside it.

    Attributes:
        requests: those that the local provider received; None where it was another one.
        logged: what asyncio logged, a line each.
    """

    analysis: Analysis
    requests: int | None
    logged: Mapping[str, int]
    findings: Sequence[Finding]


def show(played: Sequence[StrategyResult]) -> None:
    """Prints to standard output."""
    table = Table(box=box.SIMPLE, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    for column in ("strategy", "template", "effort"):
        table.add_column(column)
    for column in ("jets", "answered", "accuracy", "ROC AUC", "seconds"):
        table.add_column(column, justify="right", no_wrap=True)
    rows = [row for each in played for row in each.analysis.rows]
    for row in rows:
        figures = (_figure(row.accuracy), _figure(row.roc_auc), f"{row.seconds:.2f}")
        table.add_row(row.strategy, row.template, row.effort, str(row.jets), str(row.answered), *figures)
    console = Console(highlight=False, width=None if sys.stdout.isatty() else _PIPE_WIDTH)
    console.print(table)
    for each in played:
        console.print(_said(each), markup=False, soft_wrap=True)
    if len(played) > 1:
        console.print(_compared(rows), markup=False, soft_wrap=True)


def _figure(value: float | None) -> str:
    return "cannot tell" if value is None else f"{value:.4f}"


def _said(played: StrategyResult) -> str:
    rows, errors = played.analysis.rows, played.analysis.errors
    parts = [f"{sum(row.jets for row in rows)} calls, {sum(row.answered for row in rows)} answers"]
    if played.requests is not None:
        parts[0] += f", {played.requests} requests"
    if errors:
        parts.append(f"{len(errors)} raised, the first: {errors[0]}")
    parts += [f"logged {count} x {what}" for what, count in Counter(played.logged).most_common()]
    seen = Counter[str]()
    for finding in played.findings:
        seen[f"{finding.kind} ({finding.severity})"] += finding.count
    shown = ", ".join(f"{count} x {what}" for what, count in seen.most_common()) or "nothing"
    return f"{rows[0].strategy}: " + "; ".join([*parts, f"the sanitizer found {shown}"])


def _compared(rows: Sequence[Row]) -> str:
    of: dict[tuple[str, str], set[tuple[float | None, float | None]]] = {}
    for row in rows:
        of.setdefault((row.template, row.effort), set()).add((row.accuracy, row.roc_auc))
    differing = [" ".join(configuration) for configuration, figures in of.items() if len(figures) > 1]
    if differing:
        return f"accuracy or ROC AUC depend on the strategy in: {', '.join(differing)}"
    return "accuracy and ROC AUC are the same under every strategy"
