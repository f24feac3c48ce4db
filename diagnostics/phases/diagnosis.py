"""What all six phases come to: when, why, where, how to fix, and the debugging plan's success criteria. Pure.

Each sentence rests on facts of the phases; where they have none, it says that it cannot tell. A criterion is ticked by
what was measured, and names the number.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from diagnostics.model.field_types import Text
from diagnostics.model.phase import CANNOT_TELL, KNOWN, PhaseAnswer
from diagnostics.report.view.phrasing import count, listed

Facts = Mapping[str, Any]


@dataclass(frozen=True)
class SuccessCriterion:
    """One of the plan's success criteria; `met` is `None` where it cannot be told."""

    text: Text
    met: bool | None
    measured: Text


@dataclass(frozen=True)
class Diagnosis:
    """What all phases found together, as `diagnosis.json` has it."""

    SCHEMA: ClassVar[str] = "diagnostics.conclusion/2"

    answers: tuple[PhaseAnswer, ...]
    criteria: tuple[SuccessCriterion, ...]


@dataclass(frozen=True)
class Pipeline:
    """The whole run with the best fix: every scenario, the baseline's place taken by the fix.

    Attributes:
        scenarios: those that ran.
        clean: those without a symptom and with every call answered.
    """

    fix: str
    scenarios: tuple[str, ...]
    clean: tuple[str, ...]


def four_answers(facts: Facts, failing: str) -> tuple[PhaseAnswer, ...]:
    """When, why, where, how to fix."""
    return (_when(facts, failing), _why(facts, failing), _where(facts), _how(facts))


def _when(facts: Facts, failing: str) -> PhaseAnswer:
    question = "When: which operation closes the loop?"
    found = facts.get("closed_by", {}).get(failing)
    if not found:
        return PhaseAnswer(question, ("No loop was seen being closed.",), CANNOT_TELL)
    sentences = [f"In `{failing}`: {listed([f'`{each}`' for each in found])}."]
    others = {each for name, each_ in facts["closed_by"].items() if name != failing for each in each_}
    if others:
        sentences.append(f"Where runs go through `asyncio.run`: {listed([f'`{each}`' for each in sorted(others)])}.")
    return PhaseAnswer(question, tuple(sentences), facts={"operation": list(found)})


def _why(facts: Facts, failing: str) -> PhaseAnswer:
    question = "Why: the collector, an explicit cleanup, or something else?"
    found = facts.get("closed_by", {}).get(failing)
    between, inside = facts.get("collection_between_runs"), facts.get("collection_inside_run")
    sentences = []
    if found:
        collected = any("__del__" in each for each in found)
        sentences.append(
            f"In `{failing}` the collector: nobody closes the loop, so its finaliser does when its holder goes."
            if collected
            else f"In `{failing}` an explicit cleanup: the program's own call ends in it."
        )
    wrong = facts.get("finalised_on_another_loop", {}).get(failing)
    if wrong is not None:
        sentences.append(f"Finalised while a loop ran that was not its own: {count(wrong, 'client')} of that trial.")
    if between:
        said = {"prevents": "prevents the error", "does not cause": "does not cause it", "causes": "causes it"}
        sentences.append(f"An explicit collection between the runs {said.get(between, 'changes nothing')}.")
    if inside == "causes":
        sentences.append("The same collection while the next loop runs causes it.")
    if not sentences:
        return PhaseAnswer(
            question, ("Neither the closing of a loop nor the arms with a collection were seen.",), CANNOT_TELL
        )
    return PhaseAnswer(question, tuple(sentences), KNOWN)


def _where(facts: Facts) -> PhaseAnswer:
    question = "Where: which component touches it afterwards, and whose client is it?"
    touches = facts.get("touches")
    if touches is None:
        return PhaseAnswer(question, ("No trial was instrumented, so no component can be named.",), CANNOT_TELL)
    sentences = (
        [f"The touch comes from {listed(touches, 4)}."] if touches else ["Nothing was seen touching a foreign loop."]
    )
    if facts.get("created_at"):
        sentences.append(f"The client was made at {facts['created_at']}, and never closed there.")
    return PhaseAnswer(question, tuple(sentences))


def _how(facts: Facts) -> PhaseAnswer:
    question = "How to fix it?"
    best = facts.get("removes")
    if best is None:
        return PhaseAnswer(question, ("The error was not reproduced, so no fix could be tried on it.",), CANNOT_TELL)
    if not best:
        return PhaseAnswer(question, ("No fix of the matrix removes it here; phase 4 says which only hide it.",))
    others = listed([f"`{name}`" for name in best[1:]])
    sentence = f"`{best[0]}` removes it at the lowest cost measured"
    return PhaseAnswer(
        question, (f"{sentence}; so do {others}." if best[1:] else f"{sentence}.",), facts={"fix": best[0]}
    )


def criteria(facts: Facts, failing: str, pipeline: Pipeline | None) -> tuple[SuccessCriterion, ...]:
    """The plan's success criteria, in its order."""
    best = facts.get("removes")
    closed = facts.get("closed_by", {}).get(failing)
    return (
        _reproduced(facts, failing),
        SuccessCriterion(
            "Identify exact line/operation that closes the loop",
            bool(closed) if "closed_by" in facts else None,
            listed([f"`{each}`" for each in closed]) if closed else "no loop was seen being closed",
        ),
        SuccessCriterion(
            "Identify which alternative approach prevents the error",
            None if best is None else bool(best),
            listed([f"`{name}`" for name in best], 13) if best else "none was found",
        ),
        SuccessCriterion(
            "Implement and test the fix",
            bool(best) if best is not None else None,
            f"`{best[0]}` was played beside the baseline, and removed the error in every trial"
            if best
            else "nothing to test",
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
        return SuccessCriterion(text, None, "no fix to run it with")
    left = [name for name in pipeline.scenarios if name not in pipeline.clean]
    measured = f"{len(pipeline.clean)} of {len(pipeline.scenarios)} scenarios clean with `{pipeline.fix}`"
    return SuccessCriterion(
        text, not left, measured + (f"; not {listed([f'`{name}`' for name in left])}" if left else "")
    )
