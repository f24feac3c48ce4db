"""A timeline as a Mermaid sequence diagram, which GitHub draws inside an issue. Pure.

Nothing of a run can break the diagram: a label is letters, digits and a few signs, on one line, of bounded length, and
participants have names of ours. Of a long timeline the part around the first use from another loop is kept, and the
rest is counted.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from diagnostics.model.event import Event

MOST_EVENTS = 26
MOST_LANES = 9
_LABEL = 60
_UNSAFE = re.compile(r"[^A-Za-z0-9 _.,()/+=-]+")
# What says nothing of who closed what: a loop that pauses, and objects that are freed.
_UNTOLD = frozenset({"left", "gone", "collected", "cut"})
_TURNS = frozenset({"entered", "left"})
_LANE = re.compile(r"(?:[LCX]\d+|GC)")
# A word that ends a block of Mermaid's, wherever it stands by itself.
_END = re.compile(r"\bend\b", re.IGNORECASE)


def sequence(events: Sequence[Event], most: int = MOST_EVENTS) -> str:
    """The diagram's text; "" where there is nothing to draw."""
    told = _condensed(events)
    if not told:
        return ""
    shown, before, after = _around_the_touch(told, most)
    lanes = _lanes(shown, {event.subject: event.name for event in reversed(events)})
    first = next(iter(lanes))
    lines = ["sequenceDiagram"]
    lines += [f"    participant {lane} as {lane} {label(name, 40)}".rstrip() for lane, name in lanes.items()]
    lines += [f"    Note over {first}: {before} earlier events left out"] if before else []
    lines += [line for step in shown for line in [_line(step, lanes)] if line]
    lines += [f"    Note over {first}: {after} later events left out"] if after else []
    return "\n".join(lines) + "\n"


def label(words: str, limit: int = _LABEL) -> str:
    """Text that means nothing to Mermaid: one line, cut after `limit` characters."""
    plain = " ".join(_UNSAFE.sub(" ", words[: 4 * limit]).split())
    return _END.sub(lambda match: f"({match[0]})", plain[:limit]).strip()


@dataclass(frozen=True)
class _Step:
    """One line of the diagram: an event, and how many alike follow it at once."""

    event: Event
    times: int = 1


def _condensed(events: Sequence[Event]) -> list[_Step]:
    """What a reader needs: no housekeeping of loops, no passes of the collector; connections opened in a row as one."""
    steps: list[_Step] = []
    for event in events:
        if not _LANE.fullmatch(event.subject) or event.what in _UNTOLD or (event.what in _TURNS and event.detail):
            continue
        if event.subject.startswith("X") and event.what != "opened":
            continue
        if steps and _alike(steps[-1].event, event):
            steps[-1] = _Step(steps[-1].event, steps[-1].times + 1)
        else:
            steps.append(_Step(event))
    return steps


def _alike(one: Event, other: Event) -> bool:
    if one.what == other.what == "opened":
        return (one.client, one.loop) == (other.client, other.loop)
    return (one.subject, one.what, one.loop, one.running) == (other.subject, other.what, other.loop, other.running)


def _around_the_touch(steps: Sequence[_Step], most: int) -> tuple[Sequence[_Step], int, int]:
    """What is drawn, and how many steps were left out before and after it."""
    touch = next((number for number, step in enumerate(steps) if step.event.what == "touched"), len(steps) - 1)
    first = max(0, min(touch + most // 4, len(steps)) - most)
    return steps[first : first + most], first, max(0, len(steps) - first - most)


def _lanes(steps: Sequence[_Step], names: Mapping[str, str]) -> dict[str, str]:
    """Lanes with the name of what they stand for: loops, then clients; a connection has the name of its client."""
    found: dict[str, str] = {}
    for event in (step.event for step in steps):
        for lane in (event.running, event.loop, _who(event)):
            if lane is not None and _LANE.fullmatch(lane):
                found[lane] = names.get(lane, "")
    ordered = sorted(found, key=lambda lane: (not lane.startswith("L"), lane[:1], len(lane), lane))
    return {lane: found[lane] for lane in ordered[:MOST_LANES]}


def _who(event: Event) -> str:
    """The lane of an event: of a connection its client, where it is known."""
    return event.client or event.subject if event.subject.startswith("X") else event.subject


def _line(step: _Step, lanes: Mapping[str, str]) -> str:
    event, who = step.event, _who(step.event)
    if who not in lanes:
        return ""
    loop = event.loop if event.loop in lanes and event.loop != who else None
    running = event.running if event.running in lanes and event.running != who else None
    often = f" ({step.times} times)" if step.times > 1 else ""
    if event.what == "touched":
        return f"    {running or who}-x{loop or who}: {label(event.detail) or 'use'}{often}"
    if event.what == "opened":
        number = f"{step.times} connections" if step.times > 1 else "a connection"
        return f"    {who}->>{loop or who}: opens {number}"
    by = f" by {event.by.function}" if event.by is not None and event.what != "used" else ""
    said = f"{label(event.what + by) or 'something'}{often}"
    if event.what == "used" and loop:
        return f"    {who}->>{loop}: {said}"
    return f"    {running}->>{who}: {said}" if running else f"    Note over {who}: {said}"
