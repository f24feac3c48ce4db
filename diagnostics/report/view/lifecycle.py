"""The lives of loops and clients, from the events of one instrumented trial. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import ClassVar

from diagnostics.model.event import Event
from diagnostics.model.finding import Site


@dataclass(frozen=True)
class Entry:
    """One time that a loop was run, from the event in which it began.

    Attributes:
        first: the number of that event.
        last: the number of the event in which it ended; of the last event, if it never did.
        next: the number of the event before the next entry of any loop; of the last, when loops were last run or closed
            by the program, so that what is cleaned up at its very end is left out.
    """

    loop: str
    first: int
    last: int
    next: int


class _Lives:
    """The lives of one kind of object: loops or clients."""

    letter: ClassVar[str]
    ends: ClassVar[tuple[str, ...]]
    """What may end a life, in the order in which it counts."""

    def __init__(self, events: Sequence[Event]) -> None:
        self._events = [event for event in events if event.subject.startswith(self.letter)]
        self._last = max((event.number for event in events), default=0)
        self.names = tuple(dict.fromkeys(event.subject for event in self._events))

    def all(self, name: str, what: str) -> list[Event]:
        """Every event of a kind in a life."""
        return [event for event in self._events if event.subject == name and event.what == what]

    def event(self, name: str, what: str) -> Event | None:
        """The first event of a kind in a life."""
        return next(iter(self.all(name, what)), None)

    def state(self, name: str, at: int) -> str:
        """`open`, or what ended it, right after the event with this number; `not there` before it was made."""
        made = self.event(name, "created")
        if made is None or made.number > at:
            return "not there"
        ended = (what for what in self.ends if (event := self.event(name, what)) is not None and event.number <= at)
        return next(ended, "open")

    def summary(self, *, before: int, but: Collection[str] = ()) -> str:
        """The states of those made before an event, such as `L1 closed`; `none` where there are none."""
        states = {name: self.state(name, before) for name in self.names if name not in but}
        return ", ".join(f"{name} {state}" for name, state in states.items() if state != "not there") or "none"


class Loops(_Lives):
    """The loops of a trial."""

    letter = "L"
    ends = ("closed",)

    def entries(self) -> list[Entry]:
        """Every time a loop was run for the program (and not only to shut it down), in order."""
        begun = [event for event in self._events if event.what == "entered" and not event.detail]
        found = []
        for event, after in zip(begun, [*begun[1:], None], strict=True):
            left = (
                other.number
                for other in self._events
                if other.subject == event.subject and other.what == "left" and other.number > event.number
            )
            until = after.number - 1 if after else self._end(event.number)
            found.append(Entry(event.subject, event.number, next(left, self._last), until))
        return found

    def _end(self, since: int) -> int:
        turns = [
            event.number
            for event in self._events
            if event.number > since and (event.what == "left" or (event.what == "closed" and not _by_finaliser(event)))
        ]
        return max(turns, default=self._last)


class Clients(_Lives):
    """The clients of a trial."""

    letter = "C"
    ends = ("closed", "finalised", "gone")  # a client that the collector is done with may have been brought back

    def used_in(self, entry: Entry) -> tuple[str, ...]:
        """The clients that were used, for the first time on that loop, while it ran; else those last used on it."""
        used = [event for event in self._events if event.what == "used" and event.loop == entry.loop]
        return tuple(dict.fromkeys(event.subject for event in used if event.number <= entry.next))

    def home(self, client: str) -> str | None:
        """The loop on which a client was first used: its connections belong there."""
        used = self.event(client, "used")
        return used.loop if used is not None else None


def _by_finaliser(event: Event) -> bool:
    return event.by is not None and event.by.function.endswith("__del__")


def spot(site: Site | None) -> str:
    """A place in code for a table or a sentence."""
    return f"`{site.function}` (`{site.file}:{site.line}`)" if site is not None else "a place that was not seen"


def closer(event: Event | None) -> str:
    """What closed a loop: the operation, and what made it run."""
    if event is None:
        return "nothing: it was still open at the end"
    return f"{spot(event.by)}, its finaliser" if _by_finaliser(event) else spot(event.by)
