"""The file of a timeline: one JSON line per event, with short names for loops, clients and connections."""

from __future__ import annotations

import itertools
import json
import os
import time

from diagnostics.model.codec import encode
from diagnostics.model.event import Event
from diagnostics.sanitizer.capture.facts import ClientRecord, ConnectionRecord, LoopRecord
from diagnostics.sanitizer.capture.sites import Stack
from diagnostics.sanitizer.capture.tracker import TRACKER
from diagnostics.sanitizer.output.frames import operation, sites, thread_name, users_site

MAX_CONNECTIONS = 60
"""Connections that are written; a thousand make the same picture."""


class EventWriter:
    """An open file, and the names of what was written.

    Args:
        file: the file to create.
        whole: whether to write the stack of each event, and equal stacks once.

    Raises:
        OSError: the file cannot be created.
    """

    def __init__(self, file: str, *, whole: bool = False) -> None:
        self._file = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600)
        self.writing = True
        self._whole = whole
        self._started = time.perf_counter()
        self._numbers = itertools.count(1)
        self._names: dict[str, dict[int, str]] = {"L": {}, "C": {}, "X": {}}
        self._threads: dict[int, str] = {}
        self._stacks: dict[Stack, int] = {}

    def close(self) -> None:
        """Closes the file; a second call does nothing."""
        if self.writing:
            self.writing = False
            os.close(self._file)

    def loop(self, record: LoopRecord) -> str:
        """Returns the name of a loop."""
        return self._name("L", record.number)

    def client(self, record: ClientRecord) -> str:
        """Returns the name of a client, or of the client around it that a person would name."""
        return self._name("C", record.outermost.number)

    def connection(self, record: ConnectionRecord) -> str | None:
        """Returns the name of a connection; only the first few have one."""
        known = record.number in self._names["X"] or len(self._names["X"]) < MAX_CONNECTIONS
        return self._name("X", record.number) if known else None

    def _name(self, letter: str, number: int) -> str:
        """Returns `L1`, `L2`, … in the order in which they were seen."""
        names = self._names[letter]
        return names.setdefault(number, f"{letter}{len(names) + 1}")

    def write(
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
        """Writes an event.

        Args:
            subject: name of the loop, client or connection that the event is about.
            what: what happened to it.
            loop: the loop that is named beside the subject.
            about: the loop whose state the event has, if that is another one.
            name: type of the subject.
            stack: where it happened.
            skip: functions that are not the operation.
            detail: more about it.
            client: name of the client that a connection belongs to.
            connection: name of the connection that was accessed.
        """
        number, at = next(self._numbers), time.perf_counter() - self._started
        running = TRACKER.running()
        state = about or loop
        known = self._stacks.setdefault(stack, number) if self._whole and stack else number
        event = Event(
            number=number,
            subject=subject,
            name=name,
            what=what,
            running=self.loop(running) if running is not None else None,
            loop=self.loop(loop) if loop is not None else None,
            open=state.closed is None if state is not None else None,
            by=operation(stack, skip),
            site=users_site(stack),
            detail=detail,
            at=round(at, 6),
            thread=thread_name(self._threads),
            client=client,
            connection=connection,
            stack=sites(stack) if self._whole and known == number else (),
            same_stack=known if known != number else None,
        )
        os.write(self._file, json.dumps(encode(event)).encode() + b"\n")
