"""Work items and their results: all that an executor receives and returns, so both can be pickled.

    a `WorkItem` without plans   prepare this environment and say what it is
    a `WorkItem` with plans      run these trials in it

A work item names no folder and no port of the machine that creates it: each executor has its own cache, provider server
and workers. It may be executed more than once, because trials are identified by their keys.
"""

from __future__ import annotations

import functools
import hashlib
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path

from diagnostics.lab.combination import Combination
from diagnostics.lab.execution.outcome import TrialPlan, TrialResult
from diagnostics.lab.redactor import Redact
from diagnostics.model.cell import Environment
from diagnostics.model.limits import Limits

Spans = list[tuple[float, float]]
"""When trials were running, from and to, in seconds on a clock that no one sets."""


class MachineLost(Exception):
    """The machine that had a work item is gone; another one can execute it."""


class ExecutorUnavailable(Exception):
    """No machine is available to execute work items; the message says what to do."""


class CodeMismatch(Exception):
    """A machine differs from the one that started the run, so that its trials would not belong to the run."""


@dataclass(frozen=True)
class WorkItem:
    """An environment, and trials to run in it.

    Attributes:
        combination: what the environment is made from.
        redactor: makes the `Redact` of the machine that it is called on from that machine's cache folder; a function of
            a module, because it is pickled.
        code: `fingerprint()` of the process that creates the item.
        lock: what is installed, as a requirements file with hashes; without it, the executor finds the lock.
        environment: what the environment must turn out to be; `None` for any.
        plans: the trials; with none, the environment is only prepared.
        at_once: trials that run at the same time.
        offline: whether the package index may not be asked.
    """

    combination: Combination
    redactor: Callable[[Path], Redact]
    code: str
    lock: str | None = None
    environment: Environment | None = None
    plans: tuple[TrialPlan, ...] = ()
    at_once: int = 2
    limits: Limits = Limits()  # noqa: RUF009 - frozen
    offline: bool = False

    @property
    def time_limit(self) -> float:
        """Seconds after which the item is lost, because each of its steps has a limit that is shorter."""
        steps = len(self.plans) / self.at_once + len({plan.cell.provider for plan in self.plans})
        return self.limits.preparing + steps * max(self.limits.timeout, self.limits.first_call)


@dataclass(frozen=True)
class WorkResult:
    """What became of a work item.

    Attributes:
        environment: what was prepared, or what could not be.
        lock: what is installed in it; empty if it could not be prepared.
        status: `ran`, or why there is no environment: one of `model.words.STATUSES`.
        reason: of a status other than `ran`.
        redacted: what was taken out of the reason, by kind.
        results: of the trials that the executor has not handed over one by one.
        spans: when trials were running, in seconds from the end of the work item: machines have no clock in common.
        losses: what trials needed and was gone; they are `broken`.
    """

    environment: Environment
    lock: str = ""
    status: str = "ran"
    reason: str | None = None
    redacted: Mapping[str, int] = field(default_factory=dict)
    results: tuple[TrialResult, ...] = ()
    spans: tuple[tuple[float, float], ...] = ()
    losses: tuple[str, ...] = ()


def covered(spans: Iterable[tuple[float, float]]) -> float:
    """Returns for how many seconds at least one of the spans lasted."""
    total, until = 0.0, -math.inf
    for begin, end in sorted(spans):
        total += max(0.0, end - max(begin, until))
        until = max(until, end)
    return total


@functools.cache
def fingerprint() -> str:
    """Returns a hash of this project's code: machines with the same hash give comparable trials."""
    package = Path(str(files("diagnostics")))
    digest = hashlib.sha256()
    for path in sorted(package.rglob("*.py")):
        digest.update(f"{path.relative_to(package).as_posix()}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]
