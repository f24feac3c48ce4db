"""What a phase of the debugging plan found out: its questions, the answers in sentences, and what they rest on.

The records (schema `diagnostics.phase/1`) are made by the phases; the formats are in `phase_formats`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from diagnostics.model.cell import Environment

PHASE_SCHEMA: Final = "diagnostics.phase/1"

KNOWN: Final = "known"
CANNOT_TELL: Final = "cannot tell"


@dataclass(frozen=True)
class Table:
    """Evidence: a title, the heads of the columns, and rows of the same length."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

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

    question: str
    sentences: tuple[str, ...]
    verdict: str = KNOWN
    tables: tuple[Table, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)

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
        machine: system, number of processors and the Python that ran the phase.
        seconds: wall-clock time of the phase.
        trials: their records, as in `trials.jsonl`.
    """

    number: int
    title: str
    provider: str
    environment: Environment
    machine: Mapping[str, Any]
    started: str
    seconds: float
    answers: tuple[PhaseAnswer, ...]
    trials: tuple[Mapping[str, Any], ...] = ()

    @property
    def found_out(self) -> bool:
        """Whether any question has an answer."""
        return any(answer.verdict == KNOWN for answer in self.answers)

    def facts(self) -> dict[str, Any]:
        """The facts of all answers together."""
        return {name: value for answer in self.answers for name, value in answer.facts.items()}

    def to_json(self) -> dict[str, Any]:
        """The object of `phaseN.json`."""
        return {
            "schema": PHASE_SCHEMA,
            "phase": self.number,
            "title": self.title,
            "provider": self.provider,
            "environment": self.environment.to_json(),
            "machine": dict(self.machine),
            "started": self.started,
            "seconds": self.seconds,
            "answers": [asdict(answer) for answer in self.answers],
            "trials": [dict(trial) for trial in self.trials],
        }

    @classmethod
    def from_json(cls, data: Any) -> PhaseResult:
        """Reads what `to_json` wrote.

        Raises:
            ValueError: it is something else.
        """
        if not isinstance(data, dict) or data.get("schema") != PHASE_SCHEMA:
            raise ValueError(f"not a record of schema {PHASE_SCHEMA}")
        try:
            answers = tuple(
                PhaseAnswer(
                    answer["question"],
                    tuple(answer["sentences"]),
                    answer["verdict"],
                    tuple(
                        Table(table["title"], tuple(table["columns"]), tuple(tuple(row) for row in table["rows"]))
                        for table in answer["tables"]
                    ),
                    dict(answer["facts"]),
                )
                for answer in data["answers"]
            )
            return cls(
                number=data["phase"],
                title=data["title"],
                provider=data["provider"],
                environment=Environment.from_json(data["environment"]),
                machine=dict(data["machine"]),
                started=data["started"],
                seconds=data["seconds"],
                answers=answers,
                trials=tuple(data["trials"]),
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"a field is missing or wrong: {error}") from error
