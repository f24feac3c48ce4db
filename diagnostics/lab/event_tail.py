"""Events of trials that are still running: what they have written so far, told as it is written."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from diagnostics.lab.execution.outcome import TrialPlan
from diagnostics.model.codec import decode
from diagnostics.model.event import EVENTS_SUFFIX, Event

LOOK_EVERY = 0.05
"""Seconds between two looks: a person cannot read faster, and a look costs less than a millisecond."""

EventListener = Callable[[TrialPlan, Event], None]


def read_events(file: Path, redact: Callable[[str], str]) -> tuple[Event, ...]:
    """The events of a trial; none where it wrote none, all but the last where its end was cut off."""
    events, _ = _read(file, 0, redact)
    # A finaliser may run while an event is being written, and is then written first.
    return tuple(sorted(events, key=lambda event: event.number))


@contextmanager
def tail_events(
    folder: Path, plans: Mapping[str, TrialPlan], tell: EventListener | None, redact: Callable[[str], str]
) -> Iterator[None]:
    """Tells of events while the block runs, from a thread of its own; what is left is told when it ends.

    Args:
        folder: where the trials write.
        plans: those that may write there, by key.
        tell: called for each event in the order of its file; `None` for nobody.
    """
    if tell is None:
        yield
        return
    places: dict[str, int] = {}
    over = threading.Event()

    def look() -> None:
        for key, plan in plans.items():
            events, places[key] = _read(folder / (key + EVENTS_SUFFIX), places.get(key, 0), redact)
            for event in events:
                tell(plan, event)

    def watch() -> None:
        # An OSError says that nobody listens any more, at the other end of a pipe: the caller's next word finds out.
        with suppress(OSError):
            while not over.wait(LOOK_EVERY):
                look()

    thread = threading.Thread(target=watch, name="events", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        look()


def _read(file: Path, place: int, redact: Callable[[str], str]) -> tuple[list[Event], int]:
    """The whole lines from a place on, and the place behind them."""
    try:
        with file.open("rb") as stream:
            stream.seek(place)
            whole, newline, _ = stream.read().rpartition(b"\n")
    except FileNotFoundError:
        return [], place
    lines = whole.decode("utf-8", "replace").splitlines() if newline else []
    return [decode(Event, json.loads(redact(line))) for line in lines], place + len(whole) + len(newline)
