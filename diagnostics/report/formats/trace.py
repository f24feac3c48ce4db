"""`trace.json`: the timelines as a trace of events, for ui.perfetto.dev and chrome://tracing.

A trial is a process, and each of its loops, clients, connections and threads a track: a loop and a client live from one
event to another, a loop runs between two, everything else is a moment. Where events carry no time their order is shown,
a millisecond apart. Form: the trace event format, `schemas/trace.json`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from diagnostics.model.event import Event, place
from diagnostics.report.view.view_models import Timeline, View

FILE_NAME = "trace.json"
_STEP = 1000.0
"""Microseconds between two events of a timeline that has no times."""

_ENDS = {"closed", "gone"}


def render(view: View) -> str:
    """The file's text; without timelines a trace without events."""
    events = [event for number, timeline in enumerate(view.timelines, 1) for event in trial_events(number, timeline)]
    return json.dumps({"traceEvents": events, "displayTimeUnit": "ms"}, ensure_ascii=True, allow_nan=False) + "\n"


def trial_events(process: int, timeline: Timeline) -> list[dict[str, Any]]:
    """The trace events of one trial, which is process number `process`."""
    times = _times(timeline.events)
    tracks = {name: number for number, name in enumerate(_tracks(timeline.events), 1)}
    name = f"{timeline.provider} {timeline.scenario}, {timeline.fix} [{timeline.environment}] {timeline.symptom or ''}"
    found = [
        _meta(process, 0, "process_name", name=name.strip()),
        _meta(process, 0, "process_sort_index", sort_index=process),
    ]
    names = {event.subject: event.name for event in reversed(timeline.events)}
    for track, number in tracks.items():
        found.append(_meta(process, number, "thread_name", name=f"{track} {names.get(track, '')}".strip()))
        found.append(_meta(process, number, "thread_sort_index", sort_index=number))
    end = max(times, default=0.0) + _STEP
    found += _lives(process, timeline.events, times, tracks, end)
    for event, at in zip(timeline.events, times, strict=True):
        found.append(_moment(process, tracks[event.subject], event, at))
        if event.thread is not None:
            found.append(_moment(process, tracks[_thread(event)], event, at))
    return found


def _times(events: Sequence[Event]) -> list[float]:
    """Microseconds of each event, never going back; by the order where one of them has no time."""
    if any(event.at is None for event in events):
        return [index * _STEP for index in range(len(events))]
    times: list[float] = []
    for event in events:
        times.append(max(round((event.at or 0.0) * 1e6, 3), times[-1] if times else 0.0))
    return times


def _thread(event: Event) -> str:
    return f"thread {event.thread}"


def _tracks(events: Iterable[Event]) -> list[str]:
    """Loops, clients, connections, threads, then what is left; each in order of appearance."""
    every = dict.fromkeys(
        name for event in events for name in (event.subject, *([_thread(event)] if event.thread is not None else []))
    )
    order = {"L": 0, "C": 1, "X": 2, "t": 3}
    return sorted(every, key=lambda name: order.get(name[:1], 4) if name not in ("LOG", "GC") else 4)


def _lives(
    process: int, events: Sequence[Event], times: Sequence[float], tracks: dict[str, int], end: float
) -> list[dict[str, Any]]:
    """A slice for each life, from the first event of a subject to its end, and one for each time that a loop ran."""
    born: dict[str, float] = {}
    died: dict[str, float] = {}
    entered: dict[str, list[float]] = {}
    found = []
    for event, at in zip(events, times, strict=True):
        if event.subject in ("GC", "LOG"):
            continue
        born.setdefault(event.subject, at)
        if event.what in _ENDS:
            died.setdefault(event.subject, at)
        if event.what == "entered":
            entered.setdefault(event.subject, []).append(at)
        elif event.what == "left" and entered.get(event.subject):
            start = entered[event.subject].pop()
            found.append(_slice(process, tracks[event.subject], "runs", start, at))
    for subject, starts in entered.items():
        found += [_slice(process, tracks[subject], "runs", start, end) for start in starts]
    # Slices of a track have to lie within each other: a life ends after all that happened in it.
    last = {tracks[name]: died.get(name, end) for name in born}
    for run in found:
        last[run["tid"]] = max(last[run["tid"]], run["ts"] + run["dur"])
    return [_slice(process, tracks[name], name, born[name], last[tracks[name]]) for name in born] + found


def _slice(process: int, track: int, name: str, start: float, end: float) -> dict[str, Any]:
    return {
        "ph": "X",
        "cat": "life",
        "name": name,
        "pid": process,
        "tid": track,
        "ts": start,
        "dur": max(end - start, 0.0),
    }


def _moment(process: int, track: int, event: Event, at: float) -> dict[str, Any]:
    foreign = event.what == "touched"
    told = {
        "number": event.number,
        "subject": event.subject,
        "loop": event.loop,
        "running": event.running,
        "open": event.open,
        "by": place(event.by) if event.by is not None else None,
        "site": place(event.site) if event.site is not None else None,
        "code": event.site.code if event.site is not None else None,
        "detail": event.detail or None,
        "stack": [place(frame) for frame in event.stack] or None,
    }
    return {
        "ph": "i",
        "s": "p" if foreign else "t",
        "cat": "use from another loop" if foreign else "event",
        "name": f"{event.subject} {event.what}",
        "pid": process,
        "tid": track,
        "ts": at,
        "args": {name: value for name, value in told.items() if value is not None},
        **({"cname": "terrible"} if foreign else {}),
    }


def _meta(process: int, track: int, kind: str, **args: Any) -> dict[str, Any]:
    return {"ph": "M", "name": kind, "pid": process, "tid": track, "args": args}
