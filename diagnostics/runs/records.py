"""What a run folder holds, as records. Frozen data; the layout of the folder is in `layout`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from diagnostics.model.event import Event
from diagnostics.model.trial import Trial


@dataclass(frozen=True)
class EnvironmentRow:
    """One environment of the matrix, whether it could be made or not.

    Attributes:
        label: `E1`, `E2`, … in the order of the report, to point at it in a table.
        status: one of `words.STATUSES`.
        reason: why it could not be made; `None` where it could.
        packages: distribution name to version; empty where no lock exists.
        redacted: what was taken out of the reason, by kind.
    """

    label: str
    name: str
    slug: str
    status: str
    reason: str | None
    python: str
    packages: Mapping[str, str]
    redacted: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class RunMeta:
    """When and where a run was made; `finished` is `None` where it was interrupted. Times in seconds.

    `redacted` is what was taken out of the command, by kind; `None` where the run did not count what it took out.
    """

    started: str
    finished: str | None
    system: str
    cpus: int | None
    python: str
    command: tuple[str, ...]
    profile: str
    seconds: float
    trial_seconds: float
    redacted: Mapping[str, int] | None = None


@dataclass(frozen=True)
class Sweep:
    """How often the error showed while one measure of the load was varied.

    Attributes:
        measure: what was varied, such as `calls` or `concurrency`.
        points: the load, how often it showed, in how many trials.
    """

    measure: str
    provider: str
    python: str
    points: tuple[tuple[int, int, int], ...]


@dataclass(frozen=True)
class Run:
    """What `read.read_run` found in a run folder; `timelines` holds events by the key of their trial."""

    trials: tuple[Trial, ...]
    environments: tuple[EnvironmentRow, ...]
    meta: RunMeta
    warnings: tuple[str, ...] = ()
    timelines: Mapping[str, tuple[Event, ...]] = field(default_factory=dict)
    sweeps: tuple[Sweep, ...] = ()
