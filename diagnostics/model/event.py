"""What happened to the loops and clients of an instrumented trial, in the order in which it happened."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cache
from typing import Final

from diagnostics.model.field_types import Text, Word
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
        thread: the name of the thread, such as `MainThread`; a number distinguishes threads of the same name.
        client: the client that a connection belongs to.
        connection: the connection that was touched, where it is not the subject.
        stack: the frames, innermost first; of many frames the innermost. Only where a timeline is kept.
        same_stack: the number of an earlier event that has the same stack, in place of one of its own.
    """

    number: int
    subject: Word
    name: Word
    what: Word
    running: Word | None = None
    loop: Word | None = None
    open: bool | None = None
    by: Site | None = None
    site: Site | None = None
    detail: Text = ""
    at: float | None = None
    thread: Text | None = None
    client: Word | None = None
    connection: Word | None = None
    stack: tuple[Site, ...] = ()
    same_stack: int | None = None


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
