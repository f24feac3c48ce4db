"""What a run folder holds, as records; `layout` has the file names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import ClassVar

from diagnostics.model.cell import Environment
from diagnostics.model.codec import LOCAL
from diagnostics.model.event import Event
from diagnostics.model.field_types import Digest, Text, Time, Version, Word
from diagnostics.model.limits import Limits
from diagnostics.model.machine import Machine
from diagnostics.model.trial import Trial
from diagnostics.model.words import STATUSES


@dataclass(frozen=True)
class EnvironmentRow:
    """One environment of the matrix, whether it could be made or not.

    Attributes:
        slug: the combination, without the hash that ends the name.
        status: one of `words.STATUSES`.
        reason: why it could not be made; `None` where it could.
        python: the full version; of one that could not be built, the requested version.
        packages: distribution name to version; empty where no lock exists.
        redacted: what was taken out of the reason, by kind.
        label: `E1`, `E2`, … in the order of a report, which sets it.
    """

    name: Word
    slug: Word
    status: Word
    reason: Text | None
    python: Version
    packages: Mapping[Word, Version]
    loop: Word = "asyncio"
    redacted: Mapping[Word, int] = field(default_factory=dict)
    label: Word = field(default="", metadata=LOCAL)

    def __post_init__(self) -> None:
        if self.status not in STATUSES:
            raise ValueError(f"status {self.status!r} is not one of {', '.join(STATUSES)}")

    @classmethod
    def of(cls, environment: Environment) -> EnvironmentRow:
        """The row of an environment in which trials ran."""
        return cls(
            environment.name,
            environment.name,
            "ran",
            None,
            environment.python,
            environment.packages,
            environment.loop,
        )

    @property
    def environment(self) -> Environment:
        """What the trials of this row ran in."""
        return Environment(self.name, self.python, self.loop, dict(self.packages))


@dataclass(frozen=True)
class RunRequest:
    """The options of `repro` that decide which trials a run has, by their names."""

    profile: Word = "default"
    provider: tuple[Word, ...] = ()
    scenario: tuple[Word, ...] = ()
    fix: tuple[Word, ...] = ()
    environment: tuple[Word, ...] = ()
    python: tuple[Text, ...] = ()
    openai: tuple[Text, ...] = ()
    httpx: tuple[Text, ...] = ()
    pin: tuple[Text, ...] = ()
    vary: tuple[Text, ...] = ()
    trials: int | None = None
    runs: int = 3
    calls: int = 5
    concurrency: int = 5
    retries: int = 2
    cold: bool = False
    instrument: Word = "all"
    timeout: float = Limits.timeout
    matrix: Text | None = None
    as_of: Word | None = None

    @property
    def filters(self) -> dict[str, tuple[str, ...]]:
        """The filters for `select`."""
        return {"environment": self.environment, "python": self.python, "openai": self.openai, "httpx": self.httpx}

    @property
    def options(self) -> list[str]:
        """The same as it is typed."""
        words = []
        for each in fields(self):
            value = getattr(self, each.name)
            if value != each.default:
                option = f"--{each.name.replace('_', '-')}"
                values = value if isinstance(value, tuple) else (value,)
                words += [option] if value is True else [word for item in values for word in (option, str(item))]
        return words


@dataclass(frozen=True)
class MergedPart:
    """One of the runs that a merged run is made of."""

    run: Text
    trials: int
    started: Time
    machine: Machine


@dataclass(frozen=True)
class RunMeta:
    """When and where a run was made, and its options.

    Attributes:
        finished: `None` where the run was interrupted.
        seconds: from the start to the end; of a resumed run, of all its parts.
        trial_seconds: the part of that in which trials ran.
        redacted: what was taken out of the command, by kind; `None` where the run did not count what it took out.
        request: `None` of a run that does not say.
        as_of: the day whose releases were used; `None` for today's.
        merged: the runs that it is made of; empty for a run of one machine.
    """

    SCHEMA: ClassVar[str] = "diagnostics.run/2"

    started: Time
    finished: Time | None
    machine: Machine
    command: tuple[Text, ...]
    profile: Word
    seconds: float
    trial_seconds: float
    redacted: Mapping[Word, int] | None = None
    request: RunRequest | None = None
    as_of: Word | None = None
    merged: tuple[MergedPart, ...] = ()


@dataclass(frozen=True)
class Sweep:
    """How often the error showed while one measure of the load was varied.

    Attributes:
        measure: what was varied, such as `calls` or `concurrency`.
        points: the load, how often it showed, in how many trials.
    """

    measure: Word
    provider: Word
    python: Version
    points: tuple[tuple[int, int, int], ...]


@dataclass(frozen=True)
class Run:
    """What `reader.read_run` found in a run folder; `timelines` holds events by the key of their trial."""

    trials: tuple[Trial, ...]
    environments: tuple[EnvironmentRow, ...]
    meta: RunMeta
    warnings: tuple[Text, ...] = ()
    timelines: Mapping[Digest, tuple[Event, ...]] = field(default_factory=dict)
    sweeps: tuple[Sweep, ...] = ()
