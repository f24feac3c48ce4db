"""The one view of a run that every format is rendered from: frozen data, nothing is worked out here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from diagnostics.model.cell import BASELINE, Load
from diagnostics.model.event import Event
from diagnostics.model.trial import Accounting, FindingCount
from diagnostics.model.words import RECOVERY, SYMPTOM_NAMES
from diagnostics.runs.records import EnvironmentRow, RunMeta, Sweep


@dataclass(frozen=True)
class Timeline:
    """What happened in one instrumented trial, in order, secrets removed.

    Attributes:
        environment: its label, such as `E1`.
        symptom: of that trial; `None` where it gave no outcome.
        key: of the trial.
    """

    environment: str
    provider: str
    scenario: str
    fix: str
    symptom: str | None
    key: str
    events: tuple[Event, ...]


@dataclass(frozen=True)
class Cost:
    """The cost of a fix over all its trials; a ratio is `None` if there is nothing to divide by.

    Attributes:
        connections_per_call: connections the server accepted for each call asked.
        requests_per_call: requests the server received for each call asked.
        seconds_per_call: wall-clock seconds for each call asked.
        time_ratio: `seconds_per_call` against the fix `single-run` of the same subject: one long loop.
        fds_left: most descriptors left open after the runs in any trial.
        fds_leaked: most descriptors still open after the program tidied up, in any trial.
        threads_left: most threads left alive after the runs in any trial.
    """

    connections_per_call: float | None
    requests_per_call: float | None
    seconds_per_call: float | None
    time_ratio: float | None
    fds_left: int
    fds_leaked: int
    threads_left: int


@dataclass(frozen=True)
class FixOutcome:
    """What one fix (or the baseline) did for one subject.

    Attributes:
        verdict: one of `words.VERDICTS`; `None` for the baseline and where nothing ran.
        symptom: the worst of the trials that decide; `None` where nothing ran.
        symptoms: each symptom seen to the number of trials that decide.
        differ: whether the trials that decide disagree about the symptom.
        recovers: see `Trial.recovers`; `None` also where the trials that decide disagree.
        trials: how many trials ran and decide.
        ran: how many trials ran; the verdict rests on all of them.
        findings: the sum over the instrumented trials; empty where none was instrumented.
        instrumented: how many trials ran with the sanitizer on.
        clean: whether nothing at all was wrong; `None` where nothing ran.
        answered: whether every call of every trial returned the right answer; `None` where nothing ran.
        evidence: the first evidence of the worst symptom, secrets removed.
        status: `ran`, or why nothing ran.
        reason: the reason that goes with the status, secrets removed.
        accounting: the sum over the trials that decide; of descriptors and threads left, the most of any.
    """

    fix: str
    verdict: str | None
    symptom: str | None
    symptoms: Mapping[str, int]
    differ: bool
    trials: int
    findings: tuple[FindingCount, ...]
    instrumented: int
    clean: bool | None
    answered: bool | None
    evidence: str | None
    cost: Cost | None
    status: str
    reason: str | None
    accounting: Accounting
    ran: int = 0
    recovers: bool | None = None

    @property
    def seen(self) -> str:
        """The symptom as texts name it, and whether the program recovers: `raised (recovers)`; "" where nothing ran."""
        recovery = RECOVERY[self.recovers]
        name = SYMPTOM_NAMES[self.symptom] if self.symptom else ""
        return f"{name} ({recovery})" if name and recovery else name

    @property
    def said(self) -> bool:
        """Whether the verdict says something about the fix."""
        return self.verdict in ("removes", "hides", "no effect", "worsens")


@dataclass(frozen=True)
class Subject:
    """What a verdict compares within: one environment, provider, scenario and load."""

    environment: EnvironmentRow
    provider: str
    generation: str
    scenario: str
    load: Load
    baseline: FixOutcome | None
    fixes: tuple[FixOutcome, ...]

    @property
    def column(self) -> str:
        """The provider and the HTTP stack beneath it, such as `openai · httpx2`."""
        return f"{self.provider} · {self.generation}" if self.generation else self.provider

    @property
    def reproduced(self) -> bool:
        """Whether a person would have seen something without any fix."""
        return self.baseline is not None and self.baseline.symptom not in (None, "none")

    def result(self, fix: str) -> FixOutcome | None:
        """What a fix did here, the baseline included; `None` where it was not tried."""
        if fix == BASELINE:
            return self.baseline
        return next((result for result in self.fixes if result.fix == fix), None)


@dataclass(frozen=True)
class SymptomSpan:
    """Neighbouring releases on which the baseline did the same; a release reads `3.54.0 (httpx2 2.16.2)`."""

    first: str
    last: str
    symptom: str
    releases: int


@dataclass(frozen=True)
class History:
    """The baseline's symptom over the releases of one provider, on one Python and loop, oldest first."""

    provider: str
    scenario: str
    python: str
    loop: str
    load: Load
    stretches: tuple[SymptomSpan, ...]

    @property
    def releases(self) -> int:
        """How many releases the baseline ran on."""
        return sum(stretch.releases for stretch in self.stretches)

    @property
    def newest(self) -> SymptomSpan:
        """The stretch that the newest release is in."""
        return self.stretches[-1]


@dataclass(frozen=True)
class Impossible:
    """Environments, or cells of an environment, that gave no outcome for one and the same reason."""

    status: str
    reason: str
    what: tuple[str, ...]


@dataclass(frozen=True)
class Totals:
    """How much was tried; `statuses` counts trials, `environments` counts environments by their status."""

    trials: int
    statuses: Mapping[str, int]
    symptoms: Mapping[str, int]
    environments: Mapping[str, int]
    calls: int
    answers: int
    requests: int


@dataclass(frozen=True)
class View:
    """Everything that a format may show, secrets removed.

    Attributes:
        fixes: ordered by how much they remove, the baseline left out.
        redacted: what was taken out of all texts of the run, by kind (`redaction.KINDS`); `None` if nobody counted.
    """

    meta: RunMeta
    totals: Totals
    environments: tuple[EnvironmentRow, ...]
    subjects: tuple[Subject, ...]
    fixes: tuple[str, ...]
    histories: tuple[History, ...]
    impossible: tuple[Impossible, ...]
    warnings: tuple[str, ...] = ()
    fix_notes: Mapping[str, str] = field(default_factory=dict)
    timelines: tuple[Timeline, ...] = ()
    sweeps: tuple[Sweep, ...] = ()
    redacted: Mapping[str, int] | None = None
