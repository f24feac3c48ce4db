"""What counts as a change: the values of `--by`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from diagnostics.lab.bisection.scope import InvalidRequest
from diagnostics.lab.bisection.search import Answer
from diagnostics.model.bisection import Outcome
from diagnostics.model.errors import unknown
from diagnostics.model.words import FINDING_KINDS, SYMPTOMS

Criterion = Callable[[Outcome], Answer]
"""Two outcomes for which it returns the same are the same."""

_WHOLE: Final[dict[str, Criterion]] = {
    "outcome": lambda outcome: outcome,
    "symptom": lambda outcome: outcome.symptom,
    "recovery": lambda outcome: outcome.recovers,
    "exit": lambda outcome: outcome.exit_status,
}


def parse_criterion(text: str, *, is_script: bool) -> Criterion:
    """Returns the criterion that a value of `--by` names.

    Raises:
        InvalidRequest: there is no such criterion, symptom or finding, or a cell has no exit status.
    """
    word, equals, value = text.partition("=")
    if word == "exit" and not equals and not is_script:
        raise InvalidRequest("--by exit is for --script: a cell has no exit status; use --by symptom")
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
    raise InvalidRequest(
        f"--by {text!r} is not known; use outcome, symptom, symptom=raised, finding=KIND, recovery or exit"
    )
