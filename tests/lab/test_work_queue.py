"""Whatever is lost on the way, every trial is played to its end once; one that is always lost is given up alone."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnostics.lab.combination import Combination
from diagnostics.lab.execution.outcome import TrialPlan
from diagnostics.lab.execution.work import WorkItem, covered
from diagnostics.lab.plan import Role
from diagnostics.lab.work_queue import ATTEMPTS, WorkQueue, WorkQueues
from diagnostics.model.cell import Cell, Environment


def item(number: int = 0) -> WorkItem:
    return WorkItem(Combination("3.13", (("openai", f"{number}.0"),)), lambda cache: str, "code")


def plans(count: int) -> list[TrialPlan]:
    return [TrialPlan(Cell("somewhere", "openai", "repeated-run", "none"), number, "fork") for number in range(count)]


def ready(count: int, chunk: int | None) -> WorkQueue:
    """A queue whose environment is prepared."""
    queue = WorkQueue(item(), Role.LEAD)
    first = queue.take()
    assert queue.settle(first, completed=True, stored=()) is None
    queue.fill(
        WorkItem(first.combination, first.redactor, "code", "lock", Environment("e", "3.13.0")), plans(count), chunk
    )
    return queue


@given(st.integers(1, 40), st.none() | st.integers(1, 9), st.sets(st.integers(0, 39), max_size=3), st.data())
def test_every_trial_is_stored_once_or_given_up_alone(
    count: int, chunk: int | None, poison: set[int], data: st.DataObject
) -> None:
    queue = ready(count, chunk)
    stored: dict[str, int] = {}
    given_up: list[int] = []
    lives = 2 * ATTEMPTS
    while queue.waits:
        out = queue.take()
        assert out.plans
        fatal = any(plan.trial in poison for plan in out.plans)
        # An innocent machine dies as well, now and then, before or after it has stored a part.
        dies = fatal or (lives > 0 and len(out.plans) > 1 and data.draw(st.booleans()))
        lives -= dies and not fatal
        played = [] if fatal else out.plans[: data.draw(st.integers(0, len(out.plans)))] if dies else out.plans
        for plan in played:
            if plan.key not in stored:
                stored[plan.key] = plan.trial
        given_up += [plan.trial for plan in queue.settle(out, completed=not dies, stored=stored) or ()]

    assert queue.running == 0
    assert sorted(given_up) == sorted(poison & set(range(count)))
    assert sorted([*stored.values(), *given_up]) == list(range(count))


@pytest.mark.parametrize("completed", [True, False])
def test_what_was_stored_on_the_way_is_not_played_again(completed: bool) -> None:
    queue = ready(8, 8)
    out = queue.take()
    kept = {plan.key for plan in out.plans[:5]}
    assert queue.settle(out, completed=completed, stored=kept) is None
    again = [plan for _ in range(2) for plan in queue.take().plans]
    assert again == list(out.plans[5:])


def test_an_environment_that_nobody_can_prepare_is_given_up() -> None:
    queue = WorkQueue(item(), Role.LEAD)
    answers = [queue.settle(queue.take(), completed=False, stored=()) for _ in range(ATTEMPTS)]
    assert answers == [None] * (ATTEMPTS - 1) + [()]
    assert not queue.waits


@given(st.integers(1, 6), st.integers(1, 8))
def test_each_environment_has_somebody_before_any_has_two(environments: int, hands: int) -> None:
    queues = WorkQueues([WorkQueue(item(number), Role.LEAD) for number in range(environments)])
    at: dict[int, int] = {}
    running: list[tuple[WorkQueue, WorkItem]] = []
    while (found := queues.take()) is not None and len(running) < hands:
        running.append(found)
    assert len(running) == min(environments, hands)

    for queue, out in running:
        queue.settle(out, completed=True, stored=())
        queue.fill(out, plans(16), 2)
    for _ in range(hands):
        found = queues.take()
        assert found is not None
        at[id(found[0])] = at.get(id(found[0]), 0) + 1
    # Those that are not prepared yet come before a second one at any.
    assert max(at.values()) - min(at.values()) <= 1
    assert len(at) == min(environments, hands)


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)).map(lambda span: (min(span), max(span)))))
def test_time_is_covered_once(spans: list[tuple[int, int]]) -> None:
    seconds = {second for begin, end in spans for second in range(begin, end)}
    assert covered(spans) == len(seconds)
    assert all(covered(spans[:less]) <= covered(spans[:more]) for less, more in pairwise(range(len(spans) + 1)))
