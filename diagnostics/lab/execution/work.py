"""What is asked of a machine, and what it answers: records that any process on any machine can be sent.

    an `WorkItem` without plans   prepare this environment and say what it is
    an `WorkItem` with plans      play these trials in it

An order names no folder and no port of the machine that gives it: whoever carries it out has a cache, a provider server
and workers of its own. It may be carried out twice; trials are told apart by their keys.
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
from diagnostics.model.cell import Environment

Redact = Callable[[str], str]
"""Takes secrets and a machine's names out of a text."""


class MachineLost(Exception):
    """The machine that was to carry out an order is gone; another one can."""


class ExecutorUnavailable(Exception):
    """There is nobody left to carry out orders; the message says what to do."""


class CodeMismatch(Exception):
    """A machine is not what this run was begun with: its trials would not belong to it. The message says how."""


@dataclass(frozen=True)
class WorkItem:
    """An environment, and trials to play in it.

    Attributes:
        combination: what the environment is made from.
        redactor: makes the `Redact` of the machine that it is called on from that machine's cache folder; a function
            of a module, because it is pickled.
        code: `fingerprint()` of who gives the order.
        lock: what is installed, as a requirements file with hashes; without it, the machine finds the lock itself.
        environment: what the environment must turn out to be; without it, whatever it is.
        plans: the trials; none only prepares.
        at_once: trials in flight.
        timeout: seconds a trial may take.
        memory: bytes of address space a trial may use; 0 is no limit.
        offline: whether the package index may not be asked.
        preparing: seconds for an environment that must be downloaded and built.
    """

    combination: Combination
    redactor: Callable[[Path], Redact]
    code: str
    lock: str | None = None
    environment: Environment | None = None
    plans: tuple[TrialPlan, ...] = ()
    at_once: int = 2
    timeout: float = 30.0
    memory: int = 8 * 2**30
    offline: bool = False
    preparing: float = 600.0

    @property
    def patience(self) -> float:
        """Seconds after which an order that is not carried out never will be: each step has a limit of its own."""
        steps = len(self.plans) / self.at_once + len({plan.cell.provider for plan in self.plans})
        return self.preparing + steps * max(self.timeout, FIRST_CALL)


FIRST_CALL = 60.0
"""Seconds a provider's first call may take, imports included."""


@dataclass(frozen=True)
class WorkResult:
    """What became of an order.

    Attributes:
        environment: what was prepared, or what could not be.
        lock: what is installed in it; empty where it could not be prepared.
        status: `ran`, or why there is no environment, one of `model.words.STATUSES`.
        reason: of a status that is not `ran`.
        redacted: what was taken out of the reason, by kind.
        results: of the trials, those that were not kept by the listener of the order already.
        playing: when trials were in flight, from and to, in seconds since the epoch.
    """

    environment: Environment
    lock: str = ""
    status: str = "ran"
    reason: str | None = None
    redacted: Mapping[str, int] = field(default_factory=dict)
    results: tuple[TrialResult, ...] = ()
    playing: tuple[tuple[float, float], ...] = ()


def covered(spans: Iterable[tuple[float, float]]) -> float:
    """How long it was the time of at least one of these spans, each from and to."""
    total, until = 0.0, -math.inf
    for begin, end in sorted(spans):
        total += max(0.0, end - max(begin, until))
        until = max(until, end)
    return total


@functools.cache
def fingerprint() -> str:
    """A hash of this project's code: machines with the same one judge alike."""
    package = Path(str(files("diagnostics")))
    digest = hashlib.sha256()
    for path in sorted(package.rglob("*.py")):
        digest.update(f"{path.relative_to(package).as_posix()}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]
