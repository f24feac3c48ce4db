"""A phase and the conclusion as Markdown, and events as lines."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Final

import typer

from diagnostics.lab.event_tail import EventListener
from diagnostics.lab.execution.outcome import TrialPlan
from diagnostics.model.cell import Environment
from diagnostics.model.codec import encode
from diagnostics.model.event import Event
from diagnostics.model.libraries import named
from diagnostics.model.phase import KNOWN, PhaseAnswer, PhaseResult, Table
from diagnostics.phases.diagnosis import Diagnosis
from diagnostics.report.markup.escape import Md, prose, row, text
from diagnostics.report.view.event_lines import told, trial_event

MOST_ROWS: Final = 60
"""Rows of a table that a page shows; the JSON has all of them."""

BOXES: Final = {True: "[x]", False: "[ ]", None: "[?]"}
"""A success criterion that is met, one that is not, and an unknown one."""


def markdown(record: PhaseResult) -> str:
    """Returns the text of `phaseN.md`."""
    ran = sum(trial.status == "ran" for trial in record.trials)
    count = f"{ran} of {len(record.trials)} trials ran, in {record.seconds:.1f} s. Started {text(record.started)}."
    lines = [f"# Phase {record.number}: {text(record.title)}", "", f"{_where(record)} {count}", ""]
    for answer in record.answers:
        lines += [f"## {prose(answer.question)}", "", _answer(answer), ""]
        for table in answer.tables:
            lines += [*_table(table), ""]
    return "\n".join(lines).rstrip() + "\n"


def conclusion(phases: Sequence[PhaseResult], found: Diagnosis) -> str:
    """Returns the text of `diagnosis.md`."""
    lines = ["# Diagnosis", "", *([_where(phases[0]), ""] if phases else [])]
    for answer in found.answers:
        lines += [f"**{prose(answer.question)}** {_answer(answer)}", ""]
        lines += [line for table in answer.tables for line in (*_table(table), "")]
    lines += ["## Success criteria", ""] if found.criteria else []
    lines += [f"- {BOXES[each.met]} {prose(each.text)}: {prose(each.measured)}" for each in found.criteria]
    lines += ["", "## Phases", ""] if phases else []
    for record in phases:
        known = sum(answer.verdict == KNOWN for answer in record.answers)
        lines.append(
            f"- [Phase {record.number}](phase{record.number}.md), {text(record.title)}: "
            f"{known} of {len(record.answers)} questions answered, {len(record.trials)} trials, {record.seconds:.0f} s"
        )
    return "\n".join(lines).rstrip() + "\n"


def _answer(answer: PhaseAnswer) -> str:
    return ("" if answer.verdict == KNOWN else "**Unknown.** ") + " ".join(map(prose, answer.sentences))


def _where(record: PhaseResult) -> Md:
    processors = f", {record.machine.cpus} processors" if record.machine.cpus else ""
    return prose(f"`{record.provider}` on {stack(record.environment)}; {record.machine.system}{processors}.")


def stack(environment: Environment) -> str:
    """Returns the versions that decide what happens, such as `Python 3.13.0 (asyncio) with openai 3.57.0`."""
    packages = environment.packages
    names = named("sdk", "driver", "client", "pool", "transport")
    versions = ", ".join(f"{name} {packages[name]}" for name in names if name in packages)
    return f"Python {environment.python} ({environment.loop}) with {versions}"


def _table(table: Table) -> list[str]:
    head = [row([text(column) for column in table.columns]), row([Md("---")] * len(table.columns))]
    rows = [row([prose(cell) for cell in cells]) for cells in table.rows[:MOST_ROWS]]
    more = len(table.rows) - MOST_ROWS
    return [
        f"*{prose(table.title)}*",
        "",
        *head,
        *rows,
        *(["", f"_{more} more rows are in the JSON file._"] if more > 0 else []),
    ]


def event_printer(*, as_json: bool, all_collections: bool = False) -> EventListener:
    """Returns a listener that prints events as they happen, with a heading for each trial.

    Args:
        all_collections: whether the collector's passes that finalised nothing of the timeline are printed too.
    """
    last = ""
    passes: dict[str, Event] = {}

    def on_event(plan: TrialPlan, event: Event) -> None:
        if event.subject == "GC" and not all_collections:
            passes[plan.key] = event
            return
        if plan.key in passes and _in_a_pass(event):
            show(plan, passes.pop(plan.key))
        show(plan, event)

    def show(plan: TrialPlan, event: Event) -> None:
        nonlocal last
        cell = plan.cell
        if as_json:
            typer.echo(json.dumps(encode(trial_event(plan.key, cell, plan.trial, event))))
            return
        if last != plan.key:
            last = plan.key
            typer.echo(f"--- {cell.scenario}, fix {cell.fix}, {cell.load.runs} runs, trial {plan.trial + 1}")
        typer.echo(told(event))

    return on_event


def _in_a_pass(event: Event) -> bool:
    finaliser = event.by is not None and event.by.function.endswith("__del__")
    return finaliser or event.detail == "by the collector"
