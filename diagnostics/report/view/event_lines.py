"""Events as lines: for people, and as JSON Lines for programs."""

from __future__ import annotations

from dataclasses import dataclass, field

from diagnostics.model.cell import Cell
from diagnostics.model.codec import INLINE
from diagnostics.model.event import Event, place
from diagnostics.model.field_types import Digest, Word


def told(event: Event) -> str:
    """A line for people: `[L2] created asyncio by new_event_loop (asyncio/events.py:834) while L1 runs`."""
    words = [f"[{event.subject}]", event.what]
    if event.what == "created" and event.name:
        words.append(event.name)
    if event.loop:
        state = {True: " (open)", False: " (closed)", None: ""}[event.open]
        words.append(f"on {event.loop}{state}")
    if event.by:
        words.append(f"by {place(event.by)}")
    if event.site and event.site != event.by:
        words.append(f"for {place(event.site)}")
    if event.running:
        words.append(f"while {event.running} runs")
    if event.client:
        words.append(f"for {event.client}")
    if event.connection:
        words.append(f"by way of {event.connection}")
    if event.detail:
        words.append(f"- {event.detail}")
    return "".join(char if char.isprintable() else " " for char in " ".join(words))


@dataclass(frozen=True)
class TrialEvent:
    """An event, and the trial in which it happened."""

    trial: Digest
    scenario: Word
    fix: Word
    repetition: int
    event: Event = field(metadata=INLINE)


def trial_event(key: str, cell: Cell, repetition: int, event: Event) -> TrialEvent:
    """One line of JSON: the event, and the trial in which it happened."""
    return TrialEvent(key, cell.scenario, cell.fix, repetition, event)
