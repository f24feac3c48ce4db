"""How many facts a process keeps, so that a program with a mistake in every call can run for days.

When the budget is spent, facts of calls and loops that had none before are dropped. The others are kept: what a fact
leads to is recognised by the other facts of its call and loop, so one that is missing would become a finding.
"""

from __future__ import annotations

from typing import Any, Final

from diagnostics.sanitizer.capture.facts import Fact
from diagnostics.sanitizer.capture.instruments import Instruments

MOST: Final = 20_000
"""Facts after which those of a new call or loop are dropped."""

_ALLOWANCE: Final = 1.25
"""Calls and loops that have begun may fill the budget up to this share. Then nothing is kept."""

_SPENT = (
    "only {most} facts are kept: numbers are too low. Not reported: mistakes in calls and loops that began later, and"
    " calls that never returned"
)


class Budget:
    """Counts facts.

    Args:
        instruments: get the blind spot as soon as a fact is dropped.
        most: facts after which no call or loop begins.
    """

    def __init__(self, instruments: Instruments, most: int = MOST) -> None:
        self._instruments = instruments
        self._most = most
        self._spent = False
        self._kept = 0
        self._begun: set[tuple[int, ...]] = set()
        self._once: set[tuple[Any, ...]] = set()

    def blind_spots(self) -> list[str]:
        """Returns a line about what was dropped, if there was anything."""
        return [_SPENT.format(most=self._most)] if self._spent else []

    def has(self, once: tuple[Any, ...]) -> bool:
        """Returns whether a fact that counts once was kept."""
        return once in self._once

    def admits(self, fact: Fact, once: tuple[Any, ...] = ()) -> bool:
        """Counts a fact; returns whether it is kept.

        Args:
            fact: the fact.
            once: identifies a fact that counts once.
        """
        begun = _call_or_loops(fact)
        if self._kept < self._most:
            self._begun.add(begun)
        elif begun not in self._begun or self._kept >= self._most * _ALLOWANCE:
            if not self._spent:
                self._spent = True
                self._instruments.call("blind_spots", self.blind_spots())
            return False
        self._kept += 1
        if once:
            self._once.add(once)
        return True


def _call_or_loops(fact: Fact) -> tuple[int, ...]:
    if fact.call is not None:
        return (fact.call.number,)
    return tuple(0 if loop is None else loop.number for loop in (fact.loop, fact.current))
