"""What happened: the record of one trial, in the form that `trials.jsonl` holds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from diagnostics.model.cell import Cell, Environment
from diagnostics.model.codec import INLINE, NAMED, RecordError
from diagnostics.model.field_types import Digest, Text, Word
from diagnostics.model.words import FINDING_KINDS, SEVERITIES, STATUSES, SYMPTOMS


@dataclass(frozen=True)
class FindingCount:
    """How often the sanitizer saw one kind of thing in a trial."""

    kind: Word
    severity: Word
    count: int


@dataclass(frozen=True)
class Accounting:
    """What was asked, what came back, and what the server saw.

    Attributes:
        calls: calls that the program made.
        answers: calls that returned the right answer.
        requests: requests the server received for this trial.
        retries: requests that said themselves that they are a repetition.
        connections: connections the server accepted for this trial.
        seconds: wall-clock time of the scenario; of a cold trial with the imports, of a forked one without.
        fds_left: descriptors open after the runs that were not open before them.
        fds_leaked: descriptors still open after the program has tidied up as its fix says.
        threads_left: threads alive after the runs that were not alive before them.
    """

    calls: int = 0
    answers: int = 0
    requests: int = 0
    retries: int = 0
    connections: int = 0
    seconds: float = 0.0
    fds_left: int = 0
    fds_leaked: int = 0
    threads_left: int = 0


@dataclass(frozen=True)
class Trial:
    """One execution of a cell, or the reason why there was none.

    Attributes:
        trial: which repetition of the cell, from 0.
        mode: `fork` or `cold`.
        instrumented: whether the sanitizer was on.
        reason: why there is no symptom; `None` where status is `ran`.
        recovers: whether a call was answered after the first that failed; `None` if none failed or only the last one,
            where calls overlap in threads, and in records of older versions.
        evidence: the first lines that show the symptom; `None` where there is nothing to show.
        redacted: what was taken out of reason and evidence, by kind.
    """

    SCHEMA: ClassVar[str] = "diagnostics.trial/2"

    key: Digest
    environment: Environment = field(metadata=NAMED)
    cell: Cell = field(metadata=INLINE)
    trial: int = 0
    mode: Word = "fork"
    instrumented: bool = False
    status: Word = field(kw_only=True)
    reason: Text | None = None
    symptom: Word | None = None
    recovers: bool | None = field(default=None, kw_only=True)
    evidence: Text | None = None
    findings: tuple[FindingCount, ...] = ()
    accounting: Accounting = Accounting()
    redacted: dict[Word, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.status not in STATUSES:
            raise RecordError(f"status {self.status!r} is not one of {', '.join(STATUSES)}")
        if (self.status == "ran") != (self.symptom is not None):
            raise RecordError(f"a trial has a symptom exactly when it ran: {self.status=}, {self.symptom=}")
        if self.symptom is not None and self.symptom not in SYMPTOMS:
            raise RecordError(f"symptom {self.symptom!r} is not one of {', '.join(SYMPTOMS)}")
        if (self.status == "ran") == (self.reason is not None):
            raise RecordError(f"a trial has a reason exactly when it did not run: {self.status=}, {self.reason=}")
        for finding in self.findings:
            if finding.kind not in FINDING_KINDS or finding.severity not in SEVERITIES:
                raise RecordError(f"unknown finding {finding.kind!r} of severity {finding.severity!r}")
