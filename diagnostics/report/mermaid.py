"""A timeline as a Mermaid sequence diagram, which GitHub draws inside an issue. Pure.

Nothing of a run can break the diagram: a label is letters, digits and a few signs, on one line, of bounded length, and
participants have names of ours. Of a long timeline the part around the first foreign touch is kept, the rest counted.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from diagnostics.model.event import Event

MOST_EVENTS = 26
MOST_LANES = 9
_LABEL = 60
_UNSAFE = re.compile(r"[^A-Za-z0-9 _.,()/+=-]+")
_LANE = re.compile(r"(?:[LCX]\d+|GC)")
# Words by which Mermaid ends a block, wherever they stand by themselves.
_WORDS = re.compile(r"\b(end|box|loop|alt|opt|par|rect|note|critical|break)\b", re.IGNORECASE)


def sequence(events: Sequence[Event], most: int = MOST_EVENTS) -> str:
    """The diagram's text; "" where there is nothing to draw."""
    told = [event for event in events if _LANE.fullmatch(event.subject) and event.what != "collected"]
    if not told:
        return ""
    shown, before, after = _around_the_touch(told, most)
    lanes = _lanes(shown)
    lines = ["sequenceDiagram"]
    lines += [f"    participant {lane} as {lane} {label(name, 40)}".rstrip() for lane, name in lanes.items()]
    lines += [f"    Note over {next(iter(lanes))}: {before} earlier events left out"] if before else []
    for event in shown:
        lines += _lines(event, lanes)
    lines += [f"    Note over {next(iter(lanes))}: {after} later events left out"] if after else []
    return "\n".join(lines) + "\n"


def label(words: str, limit: int = _LABEL) -> str:
    """Text that means nothing to Mermaid: one line, cut after `limit` characters."""
    plain = " ".join(_UNSAFE.sub(" ", words[: 4 * limit]).split())
    return _WORDS.sub(lambda match: f"({match[0]})", plain[:limit]).strip()


def _around_the_touch(events: Sequence[Event], most: int) -> tuple[Sequence[Event], int, int]:
    """What is drawn, and how many events were left out before and after it."""
    touch = next((number for number, event in enumerate(events) if event.what == "touched"), len(events) - 1)
    first = max(0, min(touch + most // 4, len(events)) - most)
    return events[first : first + most], first, max(0, len(events) - first - most)


def _lanes(events: Sequence[Event]) -> dict[str, str]:
    """Lanes in order of appearance, the loops first, with the name of what they stand for."""
    found: dict[str, str] = {}
    for event in events:
        for lane in (event.running, event.loop, event.subject):
            if lane is not None and _LANE.fullmatch(lane):
                found.setdefault(lane, "")
        found[event.subject] = found[event.subject] or event.name
    ordered = sorted(found, key=lambda lane: (not lane.startswith("L"), not lane.startswith("C")))
    return {lane: found[lane] for lane in ordered[:MOST_LANES]}


def _lines(event: Event, lanes: dict[str, str]) -> list[str]:
    if event.subject not in lanes:
        return []
    words = event.what
    if event.what == "touched":
        words = f"touches: {label(event.detail)}".replace("touches: ", "FOREIGN TOUCH ")
    elif event.by is not None:
        words += f" by {event.by.function}"
    said = label(words)
    source = event.running if event.running in lanes else None
    target = event.loop if event.loop in lanes and event.what in ("touched", "used") else event.subject
    if event.what == "touched":
        return [f"    {source or event.subject}-x{target}: {said}"]
    if event.what == "used" and target != event.subject:
        return [f"    {event.subject}->>{target}: {said}"]
    if source is not None and source != event.subject:
        return [f"    {source}->>{event.subject}: {said}"]
    return [f"    Note over {event.subject}: {said}"]
