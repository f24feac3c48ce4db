"""Timelines: what happened in an instrumented trial, in order, redacted and bounded in number.

A timeline travels with its trial and is written before it, so that a stored trial has its timeline.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise

from diagnostics.lab.execution.outcome import Traces
from diagnostics.model.codec import decode
from diagnostics.model.event import Event, cleaned

EVENTS_AT_MOST = 400
"""Events of one trial that are kept, the first ones; what was left out is counted in a last one."""


def timeline(traces: Traces, redact: Callable[[str], str]) -> tuple[Event, ...]:
    """The events of a trial that are kept; empty where it wrote none."""
    return kept(parsed(traces.events), redact)


def parsed(text: str) -> Iterator[Event]:
    """The events of a file that the program under test could write to: what is not whole is passed over."""
    for line in text.splitlines():
        try:
            event = decode(Event, json.loads(line))
        except (ValueError, RecursionError):
            continue
        yield event


def kept(events: Iterable[Event], redact: Callable[[str], str]) -> tuple[Event, ...]:
    """The events that a timeline shows, in order: of passes of the collector with nothing between them, the last."""
    # A finaliser may run while an event is being written, and is then written first.
    every = sorted(events, key=lambda event: event.number)
    after = {event.number: following.subject for event, following in pairwise(every)}
    shown = [event for event in every if event.subject != "GC" or after.get(event.number, "GC") != "GC"]
    left_out = len(shown) - EVENTS_AT_MOST
    if left_out > 0:
        last = shown[EVENTS_AT_MOST].number
        shown = [*shown[:EVENTS_AT_MOST], Event(last, "LOG", "", "cut", detail=f"{left_out} more events")]
    return cleaned(shown, redact)
