"""The conclusion of all phases as Markdown and on a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from diagnostics.model.phase import KNOWN, PhaseAnswer, PhaseResult
from diagnostics.phases.diagnosis import SuccessCriterion
from diagnostics.phases.formats import described, plain
from diagnostics.report.markup.escape import Md, prose, text

BOXES = {True: "[x]", False: "[ ]", None: "[?]"}
"""A criterion that is met, that is not, and that cannot be told."""


def markdown(
    phases: Sequence[PhaseResult], answers: Sequence[PhaseAnswer], criteria: Sequence[SuccessCriterion]
) -> str:
    """The text of `diagnosis.md`."""
    lines = ["# Diagnosis", "", prose(described(phases[0])) if phases else Md(""), ""]
    for answer in answers:
        unsure = "" if answer.verdict == KNOWN else "Cannot tell. "
        lines += [f"**{text(answer.question)}** {unsure}" + " ".join(prose(each) for each in answer.sentences), ""]
    lines += ["## The plan's success criteria", ""]
    for each in criteria:
        lines.append(f"- {BOXES[each.met]} {text(each.text)}: {prose(each.measured)}")
    lines += ["", "## The phases", ""]
    for found in phases:
        known = sum(answer.verdict == KNOWN for answer in found.answers)
        lines.append(
            f"- [Phase {found.number}](phase{found.number}.md), {text(found.title)}: "
            f"{known} of {len(found.answers)} questions answered, {len(found.trials)} trials, {found.seconds:.0f} s"
        )
    return "\n".join(lines).rstrip() + "\n"


def show(answers: Sequence[PhaseAnswer], criteria: Sequence[SuccessCriterion], console: Console | None = None) -> None:
    """Prints the conclusion."""
    console = console or Console()
    for answer in answers:
        mark = Text() if answer.verdict == KNOWN else Text("Cannot tell: ", style="bold yellow")
        said = Text(plain(" ".join(answer.sentences)))
        console.print(Text.assemble(Text(plain(answer.question) + " ", style="bold"), mark, said))
    console.print()
    for each in criteria:
        console.print(Text(f"{BOXES[each.met]} {plain(each.text)}: {plain(each.measured)}"))
