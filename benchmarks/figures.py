"""What a measurement gets and gives."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from diagnostics.lab.combination import Combination


@dataclass(frozen=True)
class Figure:
    """One row of the table.

    Attributes:
        value: as it is shown, with its unit.
        ratio: against the row that `against` names; `None` for that row itself.
        goal: what it is held against, in words; empty where there is none.
    """

    what: str
    value: str
    ratio: float | None = None
    against: str = ""
    goal: str = ""


@dataclass(frozen=True)
class Bench:
    """What a measurement can use.

    Attributes:
        combination: the environment to measure in, the newest of the matrix on the newest Python.
        cache: where environments are kept.
        scale: 1.0 for the figures of the documentation, less for a quick look.
        say: shows what is going on.
    """

    combination: Combination
    cache: Path
    scale: float
    say: Callable[[str], None]

    def count(self, number: int) -> int:
        """A number of repetitions at this scale."""
        return max(2, round(number * self.scale))


@contextmanager
def one_core() -> Iterator[None]:
    """Keeps this process and what it starts on one core, where the system can (Linux)."""
    if sys.platform != "linux":
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
