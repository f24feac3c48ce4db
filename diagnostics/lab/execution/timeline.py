"""Timelines: what happened in a instrumented trial, kept in the run folder as `timelines/<trial key>.events.jsonl`.

One event a line, in order, without secrets, bounded in number. It travels with the trial, and is written before that is
stored, so that a trial that is stored has its timeline.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise

from diagnostics.lab.execution.outcome import Traces
from diagnostics.model.event import EVENTS_SUFFIX, Event, checked, cleaned

TIMELINES = "timelines"
"""The folder within a run folder."""

EVENTS_AT_MOST = 400
"""Events of one trial that are kept, the first ones; what was left out is counted in a last one."""


def place_of(key: str) -> str:
    """Where in a run folder the timeline of a trial is."""
    return f"{TIMELINES}/{key}{EVENTS_SUFFIX}"


def timeline(traces: Traces, redact: Callable[[str], str]) -> str:
    """The content of that file; empty where the trial has none."""
    events = kept(parsed(traces.events), redact)
    return "".join(json.dumps(_short(event), separators=(",", ":")) + "\n" for event in events)


def parsed(text: str) -> Iterator[Event]:
    """The events of a file that the program under test could write to: what is not whole is passed over."""
    for line in text.splitlines():
        try:
            event = checked(Event.from_json(json.loads(line)))
        except (ValueError, TypeError, AttributeError, RecursionError):
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


def _short(event: Event) -> dict[str, object]:
    """Without the fields that say nothing, apart from those that every event has."""
    return {
        name: value
        for name, value in event.to_json().items()
        if value not in (None, "", ()) or name in ("number", "subject", "name", "what")
    }
