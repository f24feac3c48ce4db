"""What happened: the record of one trial, in the form that `trials.jsonl` holds."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from diagnostics.model.cell import Cell, Environment, Load
from diagnostics.model.words import FINDING_KINDS, SEVERITIES, STATUSES, SYMPTOMS

TRIAL_SCHEMA = "diagnostics.trial/1"


class RecordError(ValueError):
    """A record that does not have the form it claims."""


@dataclass(frozen=True)
class FindingCount:
    """How often the sanitizer saw one kind of thing in a trial."""

    kind: str
    severity: str
    count: int


@dataclass(frozen=True)
class Accounting:
    """What was asked, what came back, and what the server saw.

    Attributes:
        calls: calls the program asked for.
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
        evidence: the first lines that show the symptom; `None` where there is nothing to show.
        redacted: what was taken out of reason and evidence, by kind.
    """

    key: str
    environment: Environment
    cell: Cell
    trial: int
    mode: str
    instrumented: bool
    status: str
    reason: str | None = None
    symptom: str | None = None
    evidence: str | None = None
    findings: tuple[FindingCount, ...] = ()
    accounting: Accounting = Accounting()
    redacted: dict[str, int] = field(default_factory=dict)

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

    def to_json(self) -> dict[str, Any]:
        """The object of one line of `trials.jsonl`."""
        return {
            "schema": TRIAL_SCHEMA,
            "key": self.key,
            "trial": self.trial,
            "mode": self.mode,
            "instrumented": self.instrumented,
            "environment": self.environment.to_json(),
            "provider": self.cell.provider,
            "scenario": self.cell.scenario,
            "fix": self.cell.fix,
            "load": self.cell.load.to_json(),
            "status": self.status,
            "reason": self.reason,
            "symptom": self.symptom,
            "evidence": self.evidence,
            "findings": [asdict(finding) for finding in self.findings],
            "accounting": asdict(self.accounting),
            "redacted": dict(self.redacted),
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Trial:
        """Reads what `to_json` wrote.

        Raises:
            RecordError: the schema is another one, or a field is missing or wrong.
        """
        if not isinstance(data, dict) or data.get("schema") != TRIAL_SCHEMA:
            raise RecordError(f"not a record of schema {TRIAL_SCHEMA}")
        try:
            environment = Environment.from_json(data["environment"])
            return cls(
                key=data["key"],
                environment=environment,
                cell=Cell(
                    environment=environment.name,
                    provider=data["provider"],
                    scenario=data["scenario"],
                    fix=data["fix"],
                    load=Load.from_json(data["load"]),
                ),
                trial=data["trial"],
                mode=data["mode"],
                instrumented=data["instrumented"],
                status=data["status"],
                reason=data["reason"],
                symptom=data["symptom"],
                evidence=data["evidence"],
                findings=tuple(FindingCount(**finding) for finding in data["findings"]),
                accounting=Accounting(**data["accounting"]),
                redacted=dict(data.get("redacted", {})),  # not in the lines of earlier runs
            )
        except RecordError:
            raise
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise RecordError(f"a field is missing or wrong: {error}") from error
