"""The events that an instrumented trial has written: parsed, in order and redacted.

A timeline is stored before its trial, so that a stored trial has its timeline.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Final

from diagnostics.lab.execution.outcome import Traces, TrialPlan
from diagnostics.lab.redactor import Redact
from diagnostics.model.codec import decode
from diagnostics.model.event import Event, cleaned

EVENTS_AT_MOST: Final = 400
"""Events of a timeline; one more event at its end counts those that were left out."""


def recorded(plan: TrialPlan, traces: Traces, redact: Redact) -> tuple[Event, ...]:
    """Returns the events of a trial as its plan asks for them; none if it wrote none."""
    events = in_order(parsed(traces.events))
    return timeline(events, redact) if plan.timeline else cleaned(events, redact)


def parsed(text: str) -> Iterator[Event]:
    """Yields the events of a text; skips lines that are none, because the program under test can write there too."""
    for line in text.splitlines():
        try:
            event = decode(Event, json.loads(line))
        except (ValueError, RecursionError):
            continue
        yield event


def in_order(events: Iterable[Event]) -> list[Event]:
    """Returns the events by number: a finaliser may run while another event is being written, and is written first."""
    return sorted(events, key=lambda event: event.number)


def timeline(events: Iterable[Event], redact: Redact) -> tuple[Event, ...]:
    """Returns the events that a timeline shows: of consecutive passes of the collector, only the last."""
    every = list(events)
    after = {event.number: following.subject for event, following in pairwise(every)}
    shown = [event for event in every if event.subject != "GC" or after.get(event.number, "GC") != "GC"]
    left_out = len(shown) - EVENTS_AT_MOST
    if left_out > 0:
        last = shown[EVENTS_AT_MOST].number
        shown = [*shown[:EVENTS_AT_MOST], Event(last, "LOG", "", "cut", detail=f"{left_out} more events")]
    return cleaned(shown, redact)
