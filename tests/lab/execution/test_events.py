"""What is kept of a instrumented trial's events: without secrets, in order, bounded, written whole."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnostics.lab.execution.events import EVENTS_AT_MOST, in_order, parsed, recorded, timeline
from diagnostics.lab.execution.outcome import Traces, TrialPlan
from diagnostics.lab.server import Account
from diagnostics.model.cell import Cell
from diagnostics.model.codec import encode
from diagnostics.model.event import Event
from diagnostics.model.finding import Site

SITE = Site("alice/program.py", 3, "main", "")
EVENT = Event(1, "L1", "asyncio", "created", by=SITE, site=SITE, stack=(SITE,), thread="alice", at=0.5, open=False)


def traces(events: str) -> Traces:
    return Traces(None, 0, hang=False, output="", account=Account(), events=events)


def line(event: Event) -> str:
    return json.dumps(encode(event)) + "\n"


def hide(text: str) -> str:
    return text.replace("alice", "<user>")


PLAN = TrialPlan(Cell("e", "openai", "repeated-run", "none"), 0, "fork", instrumented=True, timeline=True)


def test_it_holds_the_events_in_order_and_can_be_read_again() -> None:
    second = Event(2, "L1", "", "closed", same_stack=1)
    first, other = recorded(PLAN, traces(line(second) + line(EVENT)), hide)
    clean = Site("<user>/program.py", 3, "main", "")
    assert first == Event(
        1, "L1", "asyncio", "created", by=clean, site=clean, stack=(clean,), thread="<user>", at=0.5, open=False
    )
    assert other == second


def test_without_events_there_is_none() -> None:
    assert recorded(PLAN, traces(""), hide) == ()


@pytest.mark.parametrize(
    "rubbish",
    [
        "{",
        "[]",
        "{}",
        "1",
        line(EVENT)[:-9],
        json.dumps({**encode(EVENT), "number": "1"}),
        json.dumps({**encode(EVENT), "detail": None}),
        json.dumps({**encode(EVENT), "by": {"file": 1, "line": 1, "function": "", "code": ""}}),
        json.dumps({**encode(EVENT), "at": 1e999}),
        "[" * 100_000,
    ],
)
def test_what_is_no_event_is_passed_over(rubbish: str) -> None:
    assert list(parsed(f"{rubbish}\n{line(EVENT)}")) == [EVENT]


@pytest.mark.parametrize("bounded", [True, False])
def test_only_a_timeline_is_bounded(bounded: bool) -> None:
    many = [Event(number, "L1", "", "created") for number in range(1, 2 * EVENTS_AT_MOST)]
    plan = replace(PLAN, timeline=bounded, events=not bounded)
    found = recorded(plan, traces("".join(map(line, many))), str)
    assert len(found) == (EVENTS_AT_MOST + 1 if bounded else len(many))


numbers = st.lists(st.sampled_from(["L1", "C1", "GC"]), max_size=3 * EVENTS_AT_MOST)


@given(numbers, st.randoms())
def test_in_order_bounded_and_the_collector_only_where_something_follows(subjects: list[str], random: object) -> None:
    events = [Event(number, subject, "", "created") for number, subject in enumerate(subjects, start=1)]
    shuffled = list(events)
    random.shuffle(shuffled)  # type: ignore[attr-defined]

    found = timeline(in_order(shuffled), str)

    assert [event.number for event in found] == sorted(event.number for event in found)
    shown = [event for event in found if event.what != "cut"]
    assert len(shown) <= EVENTS_AT_MOST
    assert set(shown) <= set(events)
    others = [event for event in events if event.subject != "GC"]
    if len(found) == len(shown):
        assert [event for event in shown if event.subject != "GC"] == others
    else:
        assert found[-1].subject == "LOG"
        assert int(found[-1].detail.split()[0]) > 0
    for before, after in pairwise(shown):
        assert not (before.subject == after.subject == "GC")
