"""An instrument that writes a timeline: what happens to loops and clients, one line per event, as it happens.

    timeline = TimelineWriter(file)                  after `install`
    timeline = TimelineWriter(file, whole=True)      with connections and stacks, as `report` shows them
    timeline.stop()                            before `uninstall`

The recorder keeps what findings are made of; the timeline keeps when. It costs something for every event, so it is off
unless a phase or a run asks for it. It extends no object's lifetime. Every hook is `gc_neutral`, because what a hook
keeps would move the moment at which the garbage collector starts, and many errors depend on that moment.
"""

from __future__ import annotations

import sys
import weakref
from typing import Any

from diagnostics.sanitizer.capture.facts import CallRecord, ClientRecord, ConnectionRecord, Fact, LoopRecord
from diagnostics.sanitizer.capture.gc_neutral import gc_neutral
from diagnostics.sanitizer.capture.instruments import Instrument
from diagnostics.sanitizer.capture.sites import Stack, capture
from diagnostics.sanitizer.capture.tracker import TRACKER
from diagnostics.sanitizer.output.event_writer import EventWriter
from diagnostics.sanitizer.output.frames import shuts_down

MAX_ACCESSES = 20
"""Foreign accesses of one kind and loop that are written; a hundred connections make a hundred equal ones."""

_FOREIGN = ("cross-loop-use", "cross-loop-close", "use-after-loop-close")
_PASSING = ("_run_forever_setup", "_run_forever_cleanup", "run_forever", "run_until_complete")
"""Functions of asyncio that run a loop for their caller."""


class TimelineWriter(Instrument):
    """Writes events to a file from now until `stop`.

    Args:
        file: receives one JSON line per event.
        whole: whether to write connections and stacks too.

    Raises:
        OSError: the file cannot be created.
    """

    @gc_neutral
    def __init__(self, file: str, *, whole: bool = False) -> None:
        self._writer = EventWriter(file, whole=whole)
        self._whole = whole
        self._used: set[tuple[str, str | None]] = set()
        self._accesses: dict[tuple[str, str | None], int] = {}
        self._alive: list[weakref.ref[Any]] = []
        self._clients: dict[int, ClientRecord] = {}
        TRACKER.instruments.add(self)

    def stop(self) -> None:
        """Stops writing; a second call does nothing."""
        TRACKER.instruments.remove(self)
        self._writer.close()

    @gc_neutral
    def loop_created(self, record: LoopRecord, loop: Any) -> None:
        """Writes `created`."""
        subject = self._writer.loop(record)
        skip = ("__init__", "new_event_loop")
        self._writer.write(subject, "created", about=record, name=record.kind, stack=record.created, skip=skip)
        self._follow(loop, subject, record.kind)

    @gc_neutral
    def loop_run(self, record: LoopRecord) -> None:
        """Writes `entered` or `left`."""
        stack = _here()
        what = "entered" if record.runs % 2 else "left"
        detail = "to shut it down" if shuts_down(stack, again=record.runs > 2) else ""
        subject = self._writer.loop(record)
        self._writer.write(subject, what, about=record, stack=stack, skip=_PASSING, detail=detail)

    @gc_neutral
    def loop_closing(self, record: LoopRecord, stack: Stack) -> None:
        """Writes `closed`."""
        self._writer.write(self._writer.loop(record), "closed", about=record, stack=stack, skip=("close",))

    @gc_neutral
    def client_created(self, record: ClientRecord, client: Any) -> None:
        """Writes `created` for the client that a person would name."""
        self._clients[id(client)] = record
        if record.owner is None:
            subject = self._writer.client(record)
            stack = record.created
            self._writer.write(subject, "created", name=record.name, stack=stack, skip=("__new__", "__init__"))
            self._follow(client, subject, record.name)

    @gc_neutral
    def client_finalized(self, client: Any) -> None:
        """Writes `finalised`."""
        self._about_client(client, "finalised", detail=_how())

    @gc_neutral
    def client_closing(self, client: Any) -> None:
        """Writes `closed`."""
        self._about_client(client, "closed", skip=("aclose", "close"))

    def _about_client(self, client: Any, what: str, *, skip: tuple[str, ...] = (), detail: str = "") -> None:
        record = self._clients.get(id(client))
        if record is not None:
            subject, name = self._writer.client(record), type(client).__name__
            self._writer.write(subject, what, name=name, stack=_here(), skip=skip, detail=detail)

    @gc_neutral
    def call_started(self, call: CallRecord) -> None:
        """Writes `used` for the first call of a client on each loop."""
        if call.client is None:
            return
        subject = self._writer.client(call.client)
        where = self._writer.loop(call.loop) if call.loop is not None else None
        if self._is_first(subject, where):
            self._writer.write(subject, "used", loop=call.loop, name=call.client.outermost.name)

    def connection_opened(self, record: ConnectionRecord) -> None:
        """Writes `opened`."""
        self._about_connection(record, "opened", record.opened)

    def connection_used(self, record: ConnectionRecord) -> None:
        """Writes `used` for the first use."""
        self._about_connection(record, "used")

    def connection_closed(self, record: ConnectionRecord) -> None:
        """Writes `closed`."""
        self._about_connection(record, "closed")

    @gc_neutral
    def _about_connection(self, record: ConnectionRecord, what: str, stack: Stack | None = None) -> None:
        subject = self._writer.connection(record) if self._whole else None
        if subject is None or (what == "used" and not self._is_first(subject, None)):
            return
        client = self._writer.client(record.client) if record.client is not None else None
        stack = _here() if stack is None else stack
        self._writer.write(subject, what, loop=record.loop, name=record.peer, stack=stack, client=client)

    @gc_neutral
    def fact(self, fact: Fact) -> None:
        """Writes `touched` for a foreign access, the first few of each kind."""
        if fact.kind not in _FOREIGN or fact.loop is None:
            return
        loop = self._writer.loop(fact.loop)
        key = (fact.kind, loop)
        self._accesses[key] = self._accesses.get(key, 0) + 1
        if self._accesses[key] > MAX_ACCESSES:
            return
        connection = self._writer.connection(fact.connection) if self._whole and fact.connection is not None else None
        self._writer.write(
            self._writer.client(fact.client) if fact.client is not None else loop,
            "touched",
            loop=fact.loop,
            stack=fact.stack,
            detail=f"{fact.kind}: {fact.operation}",
            connection=connection,
        )

    @gc_neutral
    def collection_started(self, generation: int) -> None:
        """Writes `collected`."""
        self._writer.write("GC", "collected", stack=_here(), detail=f"generation {generation}")

    def forked(self) -> None:
        """Stops: the events of a child are not part of the parent's timeline."""
        self._writer.writing = False
        TRACKER.instruments.remove(self)

    def _is_first(self, subject: str, where: str | None) -> bool:
        first = (subject, where) not in self._used
        self._used.add((subject, where))
        return first

    def _follow(self, thing: Any, subject: str, name: str) -> None:
        """Has `gone` written when an object is freed."""
        writer = self._writer

        @gc_neutral
        def gone(_: Any) -> None:
            if writer.writing:
                writer.write(subject, "gone", name=name, detail=_how())

        self._alive.append(weakref.ref(thing, gone))


def _here() -> Stack:
    return capture(sys._getframe(2))


def _how() -> str:
    return "by the collector" if TRACKER.collecting else "with its last reference"
