"""What is tried: an environment's identity, a load, and the cell that combines them with provider, scenario and fix."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field

from diagnostics.model.codec import IN_FULL
from diagnostics.model.field_types import Version, Word

BASELINE = "none"
"""The fix that changes nothing; every verdict is given against it."""


@dataclass(frozen=True)
class Environment:
    """An interpreter, a loop implementation and a complete set of packages.

    Attributes:
        name: unique and stable; ends in a hash of interpreter, loop and lock.
        python: the full version, such as `3.13.0`.
        loop: `asyncio` or `uvloop`.
        packages: distribution name (normalised) to version, everything that is installed.
    """

    name: Word
    python: Version
    loop: Word = "asyncio"
    packages: dict[Word, Version] = field(default_factory=dict)


@dataclass(frozen=True)
class Load:
    """How much work a trial does.

    Attributes:
        runs: how often the program enters the event loop.
        calls: calls a run.
        concurrency: calls in flight at once, at most.
        retries: the SDK's own retry budget for a call (`max_retries`).
    """

    runs: int = 3
    calls: int = 5
    concurrency: int = 5
    retries: int = 2

    def __post_init__(self) -> None:
        for name in ("runs", "calls", "concurrency"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, not {getattr(self, name)}")
        if self.retries < 0:
            raise ValueError(f"retries must not be negative, not {self.retries}")


@dataclass(frozen=True)
class Cell:
    """One combination that can be tried any number of times."""

    environment: Word
    provider: Word
    scenario: Word
    fix: Word
    load: Load = field(default=Load(), metadata=IN_FULL)

    @property
    def is_baseline(self) -> bool:
        return self.fix == BASELINE

    @property
    def subject(self) -> tuple[str, str, str]:
        """What a verdict compares within: environment, provider and scenario."""
        return (self.environment, self.provider, self.scenario)

    def key(self, trial: int, *, mode: str, instrumented: bool) -> str:
        """The identity of one trial of this cell: 16 hexadecimal digits, equal in every process and on every day."""
        # The words of schema 1, in which `calls` was called `jets`: what an older run has stored keeps its identity.
        words = asdict(self)
        words["load"]["jets"] = words["load"].pop("calls")
        text = json.dumps([words, trial, mode, instrumented], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]
