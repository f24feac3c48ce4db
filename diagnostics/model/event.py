"""What happened to the loops and clients of a instrumented trial, in the order in which it happened."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, replace
from functools import cache
from typing import Any, Final

from diagnostics.model.finding import Site

EVENTS_SUFFIX: Final = ".events.jsonl"
"""Ends the name of the file, beside a trial's result, that holds one event a line."""

LOOP_EVENTS: Final = ("created", "entered", "left", "closed", "gone")
CLIENT_EVENTS: Final = ("created", "used", "finalised", "closed", "gone")
CONNECTION_EVENTS: Final = ("opened", "used", "closed")
OTHER_EVENTS: Final = ("collected", "touched", "cut")


@dataclass(frozen=True)
class Event:
    """One thing that happened to one object.

    Attributes:
        number: its place in the order, from 1.
        subject: `L1`, `C1`, `X1` (a connection), … within one trial; `GC` for the collector; `LOG` for the log itself,
            whose one event, `cut`, says that later ones were left out.
        name: what the subject is, such as `asyncio` or `openai.AsyncOpenAI`.
        what: a word of the tables above.
        running: the loop that ran in this thread then; `None` for none.
        loop: the loop that the event is about, where it is not the subject itself.
        open: whether that loop (or the subject, if it is one) was open then; `None` where it has none.
        by: where it was done: the operation, with file and function.
        site: the person's own line.
        detail: more, in a few words.
        at: seconds since the log began.
        thread: the name of the thread, such as `MainThread`; two of the same name are told apart by a number.
        client: the client that a connection belongs to.
        connection: the connection that was touched, where it is not the subject.
        stack: the frames, innermost first; of many frames the innermost. Only where a timeline is kept.
        same_stack: the number of an earlier event that has the same stack, in place of one of its own.
    """

    number: int
    subject: str
    name: str
    what: str
    running: str | None = None
    loop: str | None = None
    open: bool | None = None
    by: Site | None = None
    site: Site | None = None
    detail: str = ""
    at: float | None = None
    thread: str | None = None
    client: str | None = None
    connection: str | None = None
    stack: tuple[Site, ...] = ()
    same_stack: int | None = None

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Event:
        sites = {name: Site(**data[name]) if data.get(name) else None for name in ("by", "site")}
        return cls(**{**data, **sites, "stack": tuple(Site(**frame) for frame in data.get("stack", ()))})


def checked(event: Event) -> Event:
    """The event, if each of its fields is what it should be: a file may hold anything.

    Raises:
        ValueError: one is not.
    """
    places = [site for site in (event.by, event.site, *event.stack) if site is not None]
    words = [event.subject, event.name, event.what, event.detail]
    words += [word for site in places for word in (site.file, site.function, site.code)]
    words += [w for w in (event.running, event.loop, event.thread, event.client, event.connection) if w is not None]
    if not all(isinstance(word, str) for word in words):
        raise ValueError("a text of an event is not a string")
    numbers = [event.number, *(site.line for site in places)]
    numbers += [event.same_stack] if event.same_stack is not None else []
    if not all(type(number) is int and number >= 0 for number in numbers):
        raise ValueError("a number of an event is not one")
    if not (event.at is None or (type(event.at) in (int, float) and 0 <= event.at < 1e9)):
        raise ValueError("the time of an event is not one")
    if event.open not in (None, True, False):
        raise ValueError("an event says of a loop that it is neither open nor closed")
    return event


def cleaned(events: Iterable[Event], clean: Callable[[str], str]) -> tuple[Event, ...]:
    """Events with every text of theirs passed through a function, such as one that takes secrets out."""

    @cache  # the same few hundred lines of code are named over and over
    def site(there: Site) -> Site:
        return Site(clean(there.file), there.line, clean(there.function), clean(there.code))

    def one(event: Event) -> Event:
        return replace(
            event,
            name=clean(event.name),
            detail=clean(event.detail),
            thread=clean(event.thread) if event.thread else event.thread,
            by=site(event.by) if event.by else None,
            site=site(event.site) if event.site else None,
            stack=tuple(site(frame) for frame in event.stack),
        )

    return tuple(one(event) for event in events)


def place(site: Site | None) -> str:
    """A site as people point at it: `BaseEventLoop.__del__ (asyncio/base_events.py:761)`."""
    return f"{site.function} ({site.file}:{site.line})" if site is not None else "a place that was not seen"
