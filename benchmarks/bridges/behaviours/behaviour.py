"""What a question about a bridge is, and how its answer is read."""

from __future__ import annotations

import re
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from benchmarks.bridges.bridge import Bridge

LIMIT: Final = 8.0
"""Seconds after which a process that has not answered may hang; it does what it is asked in a tenth of one."""

ASK_WHERE: Final = getattr(signal, "SIGUSR2", None)
"""On this signal a process prints the stack of every thread. `None` on Windows."""

ANSWER: Final = "ANSWER "
"""Begins the line of standard output that holds the answer."""

NOTHING: Final = "—"
"""The answer where the bridge has no such thing."""


_SLOW_STEP: Final = re.compile(r"^Executing <.*> took [0-9.]+ seconds\n", re.MULTILINE)


@dataclass(frozen=True)
class Ended:
    """How the process of one question ended. `code` is `None` where it had to be killed."""

    code: int | None
    out: str
    err: str


def answered(ended: Ended) -> str:
    """The answer that the process gave, or how it failed to give one."""
    lines = [line.removeprefix(ANSWER) for line in ended.out.splitlines() if line.startswith(ANSWER)]
    if ended.code is None:
        return "hangs"
    if lines:
        return lines[-1]
    return "fails" if ended.code == 1 else f"dies ({ended.code})"


def without_slow_steps(errors: str) -> str:
    """What was printed under `-X dev`, but for the steps that asyncio found slow: a busy machine makes them so."""
    return _SLOW_STEP.sub("", errors)


def say(answer: str) -> None:
    """Tells the answer at once: what comes after it may never end."""
    sys.stdout.write(f"{ANSWER}{answer}\n")
    sys.stdout.flush()


@dataclass(frozen=True)
class Behaviour:
    """One question, asked in a process of its own.

    Attributes:
        question: as the head of a row; the good answer is `yes`.
        ask: gives the answer, or `None` where only the end of the process tells.
        judge: reads the answer off the process.
        untold: whether the process ends without a word to the bridge, and under `-X dev`.
    """

    question: str
    ask: Callable[[Bridge], str | None]
    judge: Callable[[Ended], str] = answered
    untold: bool = False


def yes(good: bool, otherwise: str = "no") -> str:
    """The answer to a question of yes and no."""
    return "yes" if good else otherwise
