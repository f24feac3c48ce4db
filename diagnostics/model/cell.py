"""What is tried: an environment's identity, a load, and the cell that combines them with provider, scenario and fix."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from typing import Any

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

    name: str
    python: str
    loop: str = "asyncio"
    packages: dict[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Environment:
        return cls(name=data["name"], python=data["python"], loop=data["loop"], packages=dict(data["packages"]))


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

    def to_json(self) -> dict[str, int]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Load:
        return cls(**{name: int(data[name]) for name in ("runs", "calls", "concurrency", "retries")})


@dataclass(frozen=True)
class Cell:
    """One combination that can be tried any number of times."""

    environment: str
    provider: str
    scenario: str
    fix: str
    load: Load = Load()

    @property
    def is_baseline(self) -> bool:
        return self.fix == BASELINE

    @property
    def subject(self) -> tuple[str, str, str]:
        """What a verdict compares within: environment, provider and scenario."""
        return (self.environment, self.provider, self.scenario)

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "load": self.load.to_json()}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Cell:
        return cls(
            environment=data["environment"],
            provider=data["provider"],
            scenario=data["scenario"],
            fix=data["fix"],
            load=Load.from_json(data["load"]),
        )

    def key(self, trial: int, *, mode: str, instrumented: bool) -> str:
        """The identity of one trial of this cell: 16 hexadecimal digits, equal in every process and on every day."""
        # The words of schema 1, in which `calls` was called `jets`: what an older run has stored keeps its identity.
        load = self.load.to_json()
        load["jets"] = load.pop("calls")
        words = json.dumps([{**self.to_json(), "load": load}, trial, mode, instrumented], sort_keys=True)
        return hashlib.sha256(words.encode()).hexdigest()[:16]
