"""The file of a log: events as lines, and the names of what was seen. What sees them is `log`."""

from __future__ import annotations

import itertools
import json
import os
import sys
import time
import weakref
from typing import Any

from diagnostics.model.event import Event
from diagnostics.sanitizer.capture import recorder
from diagnostics.sanitizer.capture.facts import CallRecord, ClientRecord, ConnectionRecord, Fact, LoopRecord
from diagnostics.sanitizer.capture.gc_neutral import steady
from diagnostics.sanitizer.capture.recorder import RECORDER
from diagnostics.sanitizer.capture.sites import Stack, capture
from diagnostics.sanitizer.output.frames import operation, shuts_down, sites, thread_name, users_site

_PASSING = ("_run_forever_setup", "_run_forever_cleanup", "run_forever", "run_until_complete")
"""Functions of asyncio that run a loop for somebody else."""

TOUCHES_AT_MOST = 20
"""Touches of one kind and loop that are written; a hundred connections make a hundred alike."""

CONNECTIONS_AT_MOST = 60
"""Connections that are written; a thousand make the same picture."""


class EventWriter:
    """The open file, and the names of what was seen."""

    def __init__(self, file: int, *, whole: bool = False) -> None:
        self._file = file
        self.whole = whole
        self.writing = True
        self._began = time.perf_counter()
        self._numbers = itertools.count(1)
        self._names: dict[str, dict[int, str]] = {"L": {}, "C": {}, "X": {}}
        self._threads: dict[int, str] = {}
        self._stacks: dict[Stack, int] = {}
        self._used: set[tuple[str, str | None]] = set()
        self._touches: dict[tuple[str, str | None], int] = {}
        self._turns: dict[int, int] = {}
        self._alive: list[weakref.ref[Any]] = []
        self.clients: dict[int, ClientRecord] = {}

    def close(self) -> None:
        """Ends the file."""
        self.writing = False
        os.close(self._file)

    def name(self, letter: str, number: int) -> str:
        """`L1`, `L2`, … in the order in which they were seen."""
        names = self._names[letter]
        return names.setdefault(number, f"{letter}{len(names) + 1}")

    @steady
    def note(
        self,
        subject: str,
        what: str,
        *,
        loop: LoopRecord | None = None,
        about: LoopRecord | None = None,
        name: str = "",
        stack: Stack = (),
        skip: tuple[str, ...] = (),
        detail: str = "",
        client: str | None = None,
        connection: str | None = None,
    ) -> None:
        """Writes an event; `about` is the loop whose state is told, `loop` the one that is named beside the subject."""
        number, at = next(self._numbers), time.perf_counter() - self._began
        running = recorder.running_loop()
        told = about or loop
        known = self._stacks.setdefault(stack, number) if self.whole and stack else number
        event = Event(
            number=number,
            subject=subject,
            name=name,
            what=what,
            running=self.name("L", RECORDER.loop(running).number) if running is not None else None,
            loop=self.name("L", loop.number) if loop is not None else None,
            open=told.closed is None if told is not None else None,
            by=operation(stack, skip),
            site=users_site(stack),
            detail=detail,
            at=round(at, 6),
            thread=thread_name(self._threads),
            client=client,
            connection=connection,
            stack=sites(stack) if self.whole and known == number else (),
            same_stack=known if known != number else None,
        )
        os.write(self._file, json.dumps(event.to_json()).encode() + b"\n")

    def loop(self, record: LoopRecord) -> str:
        """The name of a loop."""
        return self.name("L", record.number)

    def client(self, record: ClientRecord) -> str:
        """The name of a client: of the one that a person would name."""
        return self.name("C", record.outermost.number)

    def connection(self, record: ConnectionRecord | None) -> str | None:
        """The name of a connection; of the first few only, and where they are written at all."""
        if record is None or not self.whole:
            return None
        known = record.number in self._names["X"] or len(self._names["X"]) < CONNECTIONS_AT_MOST
        return self.name("X", record.number) if known else None

    @steady
    def on_connection(self, record: ConnectionRecord | None, what: str, stack: Stack) -> None:
        """What happens to a connection on its own loop; of uses the first."""
        subject = self.connection(record)
        if record is None or subject is None or (what == "used" and (subject, None) in self._used):
            return
        if what == "used":
            self._used.add((subject, None))
        client = self.client(record.client) if record.client is not None else None
        self.note(subject, what, loop=record.loop, name=record.peer, stack=stack, client=client)

    @steady
    def follow(self, thing: Any, subject: str, name: str) -> None:
        """Has it written when an object is gone."""

        def gone(_: Any) -> None:
            how = "by the collector" if RECORDER._collecting else "with its last reference"
            if self.writing:
                self.note(subject, "gone", name=name, detail=how)

        self._alive.append(weakref.ref(thing, gone))

    @steady
    def used(self, call: CallRecord) -> None:
        """The first call of a client on each loop."""
        if call.client is None:
            return
        subject = self.client(call.client)
        where = self.loop(call.loop) if call.loop is not None else None
        if (subject, where) not in self._used:
            self._used.add((subject, where))
            self.note(subject, "used", loop=call.loop, name=call.client.outermost.name)

    @steady
    def touch(self, fact: Fact, loop: LoopRecord) -> None:
        """A foreign touch, the first few of each kind."""
        key = (fact.kind, self.loop(loop))
        self._touches[key] = self._touches.get(key, 0) + 1
        if self._touches[key] <= TOUCHES_AT_MOST:
            self.note(
                self.client(fact.client) if fact.client is not None else self.loop(loop),
                "touched",
                loop=loop,
                stack=fact.stack,
                detail=f"{fact.kind}: {fact.operation}",
                connection=self.connection(fact.connection),
            )

    @steady
    def turn(self, loop: Any) -> None:
        """A loop begins to run or ends: the hook below is called once at each."""
        if loop.is_running():
            return
        record = RECORDER.loop(loop)
        turn = self._turns[record.number] = self._turns.get(record.number, 0) + 1
        leaving = turn % 2 == 0
        stack = capture(sys._getframe(3))
        detail = "to shut it down" if shuts_down(stack, again=turn > 2) else ""
        self.note(
            self.loop(record), "left" if leaving else "entered", about=record, stack=stack, skip=_PASSING, detail=detail
        )
