"""The conclusion of all six phases: when, why, where and how to fix it, and whether the success criteria are met. Pure.

The questions and the criteria are those of the debugging plan. Each sentence rests on facts of the phases. A criterion
is met by a measurement, which it names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from diagnostics.model.field_types import Text
from diagnostics.model.phase import KNOWN, PhaseAnswer, cannot_tell
from diagnostics.report.view.phrasing import listed

Facts = Mapping[str, Any]

EFFECTS: Final = {"prevents": "prevents the error", "does not cause": "does not cause the error", "causes": "causes it"}
"""What phase 1 says of an explicit collection, as a person reads it."""


@dataclass(frozen=True)
class SuccessCriterion:
    """One of the success criteria; `met` is `None` if it is unknown."""

    text: Text
    met: bool | None
    measured: Text


@dataclass(frozen=True)
class Diagnosis:
    """The conclusion, as `diagnosis.json` has it."""

    SCHEMA: ClassVar[str] = "diagnostics.conclusion/2"

    answers: tuple[PhaseAnswer, ...]
    criteria: tuple[SuccessCriterion, ...]

    @property
    def found_out(self) -> bool:
        """Whether any of the questions has an answer."""
        return any(answer.verdict == KNOWN for answer in self.answers)


@dataclass(frozen=True)
class Pipeline:
    """Every scenario with the best fix.

    Attributes:
        scenarios: those that ran.
        clean: those without a symptom and with an answer for every call.
    """

    fix: str
    scenarios: tuple[str, ...]
    clean: tuple[str, ...]


def four_answers(facts: Facts, failing: str) -> tuple[PhaseAnswer, ...]:
    """Returns when, why, where, and how to fix it."""
    return (_when(facts, failing), _why(facts, failing), _where(facts), _how(facts))


def _when(facts: Facts, failing: str) -> PhaseAnswer:
    question = "When: which operation closes the loop?"
    closed_by = facts.get("closed_by", {})
    operations = closed_by.get(failing)
    if not operations:
        return cannot_tell(question, "No loop was seen being closed.")
    sentences = [f"In `{failing}`: {_code(operations)}."]
    others = sorted({operation for found in closed_by.values() for operation in found} - set(operations))
    if others:
        sentences.append(f"In the scenarios that use `asyncio.run`: {_code(others)}.")
    return PhaseAnswer(question, tuple(sentences), facts={"operation": list(operations)})


def _why(facts: Facts, failing: str) -> PhaseAnswer:
    question = "Why: the collector, an explicit cleanup, or something else?"
    operations = facts.get("closed_by", {}).get(failing)
    sentences = []
    if operations:
        collected = any("__del__" in operation for operation in operations)
        sentences.append(
            f"In `{failing}` the collector: nobody closes the loop, so its finaliser does once it is unreachable."
            if collected
            else f"In `{failing}` an explicit cleanup: the program itself calls it."
        )
    foreign = facts.get("finalised_on_another_loop", {}).get(failing)
    if foreign is not None:
        sentences.append(f"Clients of that trial that were finalised while another loop ran: {foreign}.")
    if between := facts.get("collection_between_runs"):
        sentences.append(f"An explicit collection between the runs {EFFECTS.get(between, 'changes nothing')}.")
    if facts.get("collection_inside_run") == "causes":
        sentences.append("The same collection while the next loop runs causes the error.")
    if not sentences:
        return cannot_tell(
            question, "Neither the closing of a loop nor the scenarios with an explicit collection were seen."
        )
    return PhaseAnswer(question, tuple(sentences))


def _where(facts: Facts) -> PhaseAnswer:
    question = "Where: which component uses it afterwards, and whose client is it?"
    touches = facts.get("touches")
    if touches is None:
        return cannot_tell(question, "No trial was instrumented.")
    sentences = [f"It is used in {listed(touches, 4)}." if touches else "Nothing was seen using another loop."]
    if facts.get("created_at"):
        sentences.append(f"The client is created at {facts['created_at']} and not closed there.")
    return PhaseAnswer(question, tuple(sentences))


def _how(facts: Facts) -> PhaseAnswer:
    question = "How to fix it?"
    best = facts.get("removes")
    if best is None:
        return cannot_tell(question, "The error was not reproduced, so no fix could be tried.")
    if not best:
        return PhaseAnswer(question, ("No fix of the matrix removes it here; phase 4 shows which ones only hide it.",))
    others = f"; so do {_code(best[1:])}" if best[1:] else ""
    sentence = f"`{best[0]}` removes it in both scenarios and is the best of the ranking{others}."
    return PhaseAnswer(question, (sentence,), facts={"fix": best[0]})


def criteria(facts: Facts, failing: str, pipeline: Pipeline | None) -> tuple[SuccessCriterion, ...]:
    """Returns the success criteria, in the order of the debugging plan."""
    best = facts.get("removes")
    operations = facts.get("closed_by", {}).get(failing)
    met = None if best is None else bool(best)
    return (
        _reproduced(facts, failing),
        SuccessCriterion(
            "Identify exact line/operation that closes the loop",
            bool(operations) if "closed_by" in facts else None,
            _code(operations) if operations else "no loop was seen being closed",
        ),
        SuccessCriterion(
            "Identify which alternative approach prevents the error",
            met,
            _code(best, 13) if best else "none was found",
        ),
        SuccessCriterion(
            "Implement and test the fix",
            met,
            f"`{best[0]}` ran next to the baseline and removed the error in every trial" if best else "nothing to test",
        ),
        _whole(pipeline),
    )


def _reproduced(facts: Facts, failing: str) -> SuccessCriterion:
    text = "Reproduce error consistently with minimal test case"
    baseline: Mapping[str, Mapping[str, int]] = facts.get("baseline", {})
    if not any(baseline.values()):
        return SuccessCriterion(text, None, "the baseline did not run")
    shown = {name: (sum(seen.values()) - seen.get("none", 0), sum(seen.values())) for name, seen in baseline.items()}
    always = [name for name, (hits, trials) in shown.items() if trials and hits == trials]
    measured = ", ".join(f"`{name}` in {hits} of {trials} trials" for name, (hits, trials) in shown.items())
    return SuccessCriterion(text, failing in always, measured)


def _whole(pipeline: Pipeline | None) -> SuccessCriterion:
    text = "Run full pipeline without errors"
    if pipeline is None or not pipeline.scenarios:
        return SuccessCriterion(text, None, "there is no fix to run it with")
    left = [name for name in pipeline.scenarios if name not in pipeline.clean]
    measured = f"{len(pipeline.clean)} of {len(pipeline.scenarios)} scenarios clean with `{pipeline.fix}`"
    return SuccessCriterion(text, not left, measured + (f"; not {_code(left)}" if left else ""))


def _code(names: list[str], most: int = 6) -> str:
    return listed([f"`{name}`" for name in names], most)
