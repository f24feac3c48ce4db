"""What is left to do in a run: one lane an environment, and which order is given out next. No IO, no clock, no thread.

A lane begins with an order that only prepares its environment. When that is answered it is filled with trials, in
chunks. What an order did not bring back goes into the lane again, in halves, so that a trial that takes its machine
with it ends up alone and is given up alone.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Container, Sequence
from dataclasses import replace
from typing import Final

from diagnostics.lab.execution.outcome import TrialPlan
from diagnostics.lab.execution.work import WorkItem
from diagnostics.lab.plan import Role

TRIES: Final = 5
"""How often what cannot be halved any more is given out before it is given up: machines die for other reasons too."""


class WorkQueue:
    """One environment of a run.

    Args:
        order: what to prepare; every order of the lane is made from it.
        role: what the environment is there to show.

    Attributes:
        order: knows its environment and lock once that is prepared.
        in_hand: orders that are out.
        left: trials that are not stored yet; kept by who stores them.
    """

    def __init__(self, order: WorkItem, role: Role) -> None:
        self.order = order
        self.role = role
        self.in_hand = 0
        self.left = 0
        self._todo: deque[tuple[TrialPlan, ...]] = deque([()])
        self._tries: Counter[tuple[TrialPlan, ...]] = Counter()

    @property
    def waits(self) -> bool:
        """Whether there is something to give out."""
        return bool(self._todo)

    def next(self) -> WorkItem:
        """Gives out an order, which must come back through `settle`."""
        self.in_hand += 1
        return replace(self.order, plans=self._todo.popleft())

    def begin(self, order: WorkItem, plans: Sequence[TrialPlan], chunk: int | None) -> None:
        """Fills the lane.

        Args:
            order: with the environment and its lock.
            plans: all trials of the lane that are to be played.
            chunk: trials an order; `None` for all of them in one.
        """
        self.order, self.left = order, len(plans)
        size = chunk or len(plans) or 1
        self._todo.extend(tuple(plans[start : start + size]) for start in range(0, len(plans), size))

    def settle(self, order: WorkItem, *, answered: bool, stored: Container[str]) -> tuple[TrialPlan, ...] | None:
        """Takes an order back.

        Args:
            answered: whether anybody answered it.
            stored: keys of trials that are stored.

        Returns:
            The trials that are given up; none of them where the environment itself is, and `None` where nothing is.
        """
        self.in_hand -= 1
        left = tuple(plan for plan in order.plans if plan.key not in stored)
        if not left and (answered or order.plans):
            return None
        if len(left) > 1:
            middle = (len(left) + 1) // 2
            self._todo.extendleft((left[middle:], left[:middle]))
            return None
        self._tries[left] += 1
        if self._tries[left] < TRIES:
            self._todo.appendleft(left)
            return None
        return left


class WorkQueues:
    """All lanes of a run, in the order in which they are to begin."""

    def __init__(self, lanes: Sequence[WorkQueue]) -> None:
        self._closed = deque(lanes)
        self._open: list[WorkQueue] = []

    def next(self) -> tuple[WorkQueue, WorkItem] | None:
        """The next order: of the first lane that nobody is at, else of the one that fewest are at; `None` for now."""
        self._open = [lane for lane in self._open if lane.waits or lane.in_hand]
        waiting = [lane for lane in self._open if lane.waits]
        lane = min(waiting, key=lambda lane: lane.in_hand, default=None)
        if self._closed and (lane is None or lane.in_hand):
            lane = self._closed.popleft()
            self._open.append(lane)
        return None if lane is None else (lane, lane.next())
