"""What is left to do in a run: a queue for each environment, and which work item is next. No IO, no clock, no thread.

A queue begins with an item that only prepares its environment. Once that is done it is filled with items of several
trials. Trials that an item did not bring back are queued again in halves, so that a trial that takes its machine with
it is soon alone, and is given up alone.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Container, Sequence
from dataclasses import replace
from typing import Final

from diagnostics.lab.execution.outcome import TrialPlan
from diagnostics.lab.execution.work import WorkItem
from diagnostics.lab.plan import Role

ATTEMPTS: Final = 5
"""How often a single trial is tried before it is given up: machines are lost for other reasons, too."""


class WorkQueue:
    """The work of one environment.

    Args:
        item: what to prepare; all items of the queue are made from it.
        role: what the environment is there to show.

    Attributes:
        item: has the environment and the lock once they are prepared.
        running: items that were taken and not settled.
        left: trials that are not stored; kept up to date by the code that stores them.
    """

    def __init__(self, item: WorkItem, role: Role) -> None:
        self.item = item
        self.role = role
        self.running = 0
        self.left = 0
        self._waiting: deque[tuple[TrialPlan, ...]] = deque([()])
        self._attempts: Counter[tuple[TrialPlan, ...]] = Counter()

    @property
    def waits(self) -> bool:
        """Whether an item waits to be taken."""
        return bool(self._waiting)

    def take(self) -> WorkItem:
        """Takes the next item, which must be given to `settle` later."""
        self.running += 1
        return replace(self.item, plans=self._waiting.popleft())

    def fill(self, item: WorkItem, plans: Sequence[TrialPlan], chunk: int | None) -> None:
        """Fills the queue with trials.

        Args:
            item: with the environment and its lock.
            plans: all trials to run in the environment.
            chunk: trials for each item; `None` for all of them in one.
        """
        self.item, self.left = item, len(plans)
        size = chunk or len(plans) or 1
        self._waiting.extend(tuple(plans[start : start + size]) for start in range(0, len(plans), size))

    def settle(self, item: WorkItem, *, completed: bool, stored: Container[str]) -> tuple[TrialPlan, ...] | None:
        """Ends an item and queues again what it did not bring back.

        Args:
            completed: whether an executor returned a result.
            stored: keys of stored trials.

        Returns:
            The trials that are given up, which are none if the environment itself is; `None` if nothing is given up.
        """
        self.running -= 1
        left = tuple(plan for plan in item.plans if plan.key not in stored)
        if not left and (completed or item.plans):
            return None
        if len(left) > 1:
            middle = (len(left) + 1) // 2
            self._waiting.extendleft((left[middle:], left[:middle]))
            return None
        self._attempts[left] += 1
        if self._attempts[left] < ATTEMPTS:
            self._waiting.appendleft(left)
            return None
        return left


class WorkQueues:
    """All queues of a run, in the order in which they are to begin."""

    def __init__(self, queues: Sequence[WorkQueue]) -> None:
        self._new = deque(queues)
        self._begun: list[WorkQueue] = []

    def take(self) -> tuple[WorkQueue, WorkItem] | None:
        """Takes an item of a queue of which none is running, else of the one with the fewest; `None` if none waits."""
        self._begun = [queue for queue in self._begun if queue.waits or queue.running]
        queue = min((each for each in self._begun if each.waits), key=lambda each: each.running, default=None)
        if self._new and (queue is None or queue.running):
            queue = self._new.popleft()
            self._begun.append(queue)
        return None if queue is None else (queue, queue.take())
