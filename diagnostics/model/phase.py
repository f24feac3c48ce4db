"""What a phase of the debugging plan found out: its questions, the answers in sentences, and what they rest on.

The phases make these records; the formats are in `phases.formats`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final

from diagnostics.model.cell import Environment
from diagnostics.model.codec import RecordError, decode
from diagnostics.model.field_types import Json, Text, Time, Word
from diagnostics.model.machine import Machine
from diagnostics.model.trial import Trial

KNOWN: Final = "known"
CANNOT_TELL: Final = "cannot tell"


@dataclass(frozen=True)
class Table:
    """Evidence: a title, the heads of the columns, and rows of the same length."""

    title: Text
    columns: tuple[Text, ...]
    rows: tuple[tuple[Text, ...], ...]

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row) != len(self.columns):
                raise ValueError(f"{self.title}: a row of {len(row)} under {len(self.columns)} columns")


@dataclass(frozen=True)
class PhaseAnswer:
    """The answer to one question.

    Attributes:
        sentences: plain English; words between backticks are code.
        verdict: `known`, or `cannot tell`, which is an answer too and says why.
        facts: the same for programs, and for the conclusion of all phases.
    """

    question: Text
    sentences: tuple[Text, ...]
    verdict: Word = KNOWN
    tables: tuple[Table, ...] = ()
    facts: Mapping[Word, Json] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.verdict not in (KNOWN, CANNOT_TELL):
            raise ValueError(f"a verdict is {KNOWN!r} or {CANNOT_TELL!r}, not {self.verdict!r}")
        if not self.sentences:
            raise ValueError(f"no sentence answers {self.question!r}")


def cannot_tell(question: str, why: str, *tables: Table) -> PhaseAnswer:
    """The answer where nothing was found out."""
    return PhaseAnswer(question, (why,), CANNOT_TELL, tables)


@dataclass(frozen=True)
class PhaseResult:
    """All that one phase found out.

    Attributes:
        environment: where it was played.
        seconds: wall-clock time of the phase.
        environments: every environment that a trial names.
    """

    SCHEMA: ClassVar[str] = "diagnostics.phase/2"

    number: int
    title: Text
    provider: Word
    environment: Environment
    machine: Machine
    started: Time
    seconds: float
    answers: tuple[PhaseAnswer, ...]
    trials: tuple[Trial, ...] = ()
    environments: tuple[Environment, ...] = ()

    @property
    def found_out(self) -> bool:
        """Whether any question has an answer."""
        return any(answer.verdict == KNOWN for answer in self.answers)

    def facts(self) -> dict[str, Any]:
        """The facts of all answers together."""
        return {name: value for answer in self.answers for name, value in answer.facts.items()}


def read_phase(data: Any) -> PhaseResult:
    """The record of a phase from its JSON.

    Raises:
        RecordError: it is something else.
    """
    rows = data.get("environments", ()) if isinstance(data, Mapping) else ()
    if not isinstance(rows, (list, tuple)):
        raise RecordError(f"environments: expected a list, not {rows!r}")
    environments = (decode(Environment, row) for row in rows)
    return decode(PhaseResult, data, {each.name: each for each in environments})
