"""What counts as a change, as a person writes it: `outcome`, `symptom`, `symptom=raised`, `finding=KIND`, `exit`."""

from __future__ import annotations

from collections.abc import Callable

from diagnostics.lab.bisection.scope import InvalidRequest
from diagnostics.lab.bisection.search import Answer
from diagnostics.model.bisection import Outcome
from diagnostics.model.errors import unknown
from diagnostics.model.words import FINDING_KINDS, SYMPTOMS

Criterion = Callable[[Outcome], Answer]
"""Outcomes with the same label are the same."""


def reader(text: str, *, is_script: bool) -> Criterion:
    """The label that a written word asks for.

    Raises:
        InvalidRequest: there is no such word, symptom or finding, or a cell is asked for its exit status.
    """
    word, equals, value = text.partition("=")
    if word == "exit" and not equals and not is_script:
        raise InvalidRequest("--by exit is for --script: a cell has no exit status; say --by symptom")
    if not equals and word in _WHOLE:
        return _WHOLE[word]
    if word == "symptom" and value in SYMPTOMS:
        return lambda outcome: outcome.symptom == value
    if word == "finding" and value in FINDING_KINDS:
        return lambda outcome: value in outcome.findings
    if word == "symptom" and equals:
        raise InvalidRequest(unknown("symptom", value, SYMPTOMS))
    if word == "finding":
        raise InvalidRequest(unknown("finding", value, FINDING_KINDS))
    raise InvalidRequest(f"--by {text!r} is not known; say outcome, symptom, symptom=raised, finding=KIND or exit")


_WHOLE: dict[str, Criterion] = {
    "outcome": lambda outcome: outcome,
    "symptom": lambda outcome: outcome.symptom,
    "exit": lambda outcome: outcome.exit_status,
}
