"""What happened to the loops and clients of a watched trial, in the order in which it happened."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final

from diagnostics.model.finding import Site

EVENTS_SUFFIX: Final = ".events.jsonl"
"""Ends the name of the file, beside a trial's result, that holds one event a line."""

LOOP_EVENTS: Final = ("created", "entered", "left", "closed", "gone")
CLIENT_EVENTS: Final = ("created", "used", "finalised", "closed", "gone")
OTHER_EVENTS: Final = ("collected", "touched")


@dataclass(frozen=True)
class Event:
    """One thing that happened to one object.

    Attributes:
        number: its place in the order, from 1.
        subject: `L1`, `C1`, … within one trial; `GC` for the collector.
        name: what the subject is, such as `asyncio` or `openai.AsyncOpenAI`.
        what: a word of the tables above.
        running: the loop that ran in this thread then; `None` for none.
        loop: the loop that the event is about, where it is not the subject itself.
        open: whether that loop (or the subject, if it is one) was open then; `None` where it has none.
        by: where it was done: the operation, with file and function.
        site: the person's own line.
        detail: more, in a few words.
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

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Event:
        sites = {name: Site(**data[name]) if data.get(name) else None for name in ("by", "site")}
        return cls(**{**data, **sites})


def place(site: Site | None) -> str:
    """A site as people point at it: `BaseEventLoop.__del__ (asyncio/base_events.py:761)`."""
    return f"{site.function} ({site.file}:{site.line})" if site is not None else "a place that was not seen"
