"""The conclusion of all phases as Markdown and on a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rich.console import Console
from rich.text import Text

from diagnostics.model.phase import KNOWN, PhaseAnswer, PhaseResult
from diagnostics.phases.diagnosis import SuccessCriterion
from diagnostics.phases.formats import answer_line, described, grid, plain, table_lines
from diagnostics.report.markup.escape import Md, prose, text

BOXES: Final = {True: "[x]", False: "[ ]", None: "[?]"}
"""A success criterion that is met, one that is not, and an unknown one."""


def markdown(
    phases: Sequence[PhaseResult], answers: Sequence[PhaseAnswer], criteria: Sequence[SuccessCriterion]
) -> str:
    """Returns the text of `diagnosis.md`."""
    lines = ["# Diagnosis", "", prose(described(phases[0])) if phases else Md(""), ""]
    for answer in answers:
        unknown = "" if answer.verdict == KNOWN else "Unknown. "
        lines += [f"**{text(answer.question)}** {unknown}" + " ".join(prose(each) for each in answer.sentences), ""]
        lines += [line for table in answer.tables for line in (*table_lines(table), "")]
    lines += ["## Success criteria", ""] if criteria else []
    for each in criteria:
        lines.append(f"- {BOXES[each.met]} {text(each.text)}: {prose(each.measured)}")
    lines += ["", "## Phases", ""] if phases else []
    for record in phases:
        known = sum(answer.verdict == KNOWN for answer in record.answers)
        lines.append(
            f"- [Phase {record.number}](phase{record.number}.md), {text(record.title)}: "
            f"{known} of {len(record.answers)} questions answered, {len(record.trials)} trials, {record.seconds:.0f} s"
        )
    return "\n".join(lines).rstrip() + "\n"


def show(answers: Sequence[PhaseAnswer], criteria: Sequence[SuccessCriterion], console: Console | None = None) -> None:
    """Prints the conclusion."""
    console = console or Console()
    for answer in answers:
        console.print(Text.assemble(Text(plain(answer.question) + " ", style="bold"), answer_line(answer)))
        for table in answer.tables:
            console.print(grid(table, ascii_only=not console.is_terminal))
    if criteria:
        console.print()
    for each in criteria:
        console.print(Text(f"{BOXES[each.met]} {plain(each.text)}: {plain(each.measured)}"))
