"""Facts of other processes, read from their journal into the same records as those of this process."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from diagnostics.sanitizer.capture.facts import CallRecord, ClientRecord, ConnectionRecord, Fact, LoopRecord
from diagnostics.sanitizer.capture.holders import ClientHolder, Variable
from diagnostics.sanitizer.capture.journal import entries
from diagnostics.sanitizer.capture.sites import RecordedCode, Stack

ENDED_BY_INTERRUPT = (-signal.SIGINT, 128 + signal.SIGINT)
"""Exit statuses of a program that Ctrl-C ended: by the signal, or by its own handler in the form that shells use."""


class Started(NamedTuple):
    """A program that a process started.

    Attributes:
        how: `subprocess`, or the function of `os`.
        process: its process id; 0 where that is unknown.
        paths: where the program was looked for.
    """

    how: str
    process: int
    paths: list[str]
    arguments: list[str]
    stack: Stack


@dataclass
class Process:
    """A process of a run, as its journal describes it.

    Attributes:
        parent: process id of the parent.
        argv: command line.
        python: Python version.
        facts: certain facts, by number.
        interrupted: calls that waited at Ctrl-C, with the number of calls at that moment.
        hanging: calls that waited when the process was asked; they count if it ended there.
        calls: number of calls; `requests` is the number of requests.
        blind_spots: what could not be seen in it, one line each.
        cells: the source of a notebook's cells, and no lines for what is no regular file.
        modules: imported libraries, with their files.
        started: the programs that it started.
        used: whether it had an event loop.
        asked: whether it has answered what it waits for.
        end: how it ended; empty if it was killed.
    """

    number: int
    parent: int = 0
    argv: list[str] = field(default_factory=list)
    python: str = ""
    facts: dict[int, Fact] = field(default_factory=dict)
    interrupted: list[tuple[Fact, int]] = field(default_factory=list)
    hanging: list[Fact] = field(default_factory=list)
    calls: int = 0
    requests: int = 0
    blind_spots: list[str] = field(default_factory=list)
    cells: dict[str, list[str]] = field(default_factory=dict)
    modules: dict[str, str] = field(default_factory=dict)
    started: list[Started] = field(default_factory=list)
    used: bool = False
    asked: bool = False
    end: str = ""

    def conclusive(self, status: int | None) -> list[Fact]:
        """Returns the facts that count, given how the process ended.

        Args:
            status: the exit status; the negative number of the signal that ended it; `None` after a timeout.
        """
        certain = list(self.facts.values())
        known = {_waiter(fact) for fact in certain if fact.kind == "stuck-waiter" and fact.call is not None}
        ended = status in ENDED_BY_INTERRUPT
        waited = {
            _waiter(fact): fact  # as it was at the last Ctrl-C
            for fact, calls in self.interrupted
            if _waiter(fact) not in known and (fact.severity == "error" or ended or calls == self.calls)
        }
        known.update(waited)
        killed = not self.end and (status is None or status < 0)
        hanging = [fact for fact in self.hanging if killed and _waiter(fact) not in known]
        return [*certain, *waited.values(), *hanging]


def _waiter(fact: Fact) -> Any:
    """Returns what identifies a call or task that waits; of other facts, the fact."""
    if fact.call is not None:
        return fact.call.number
    return (fact.current, fact.detail["name"]) if "name" in fact.detail else fact


class JournalReader:
    """Reads a journal, also while it grows.

    Attributes:
        processes: in the order in which they started. A process that `exec` replaced comes twice.
        is_damaged: whether a part could not be read.
    """

    def __init__(self) -> None:
        self.processes: list[Process] = []
        self.is_damaged = False
        self._readers: dict[int, _Reader] = {}
        self._rest = b""

    def feed(self, data: bytes) -> None:
        """Reads what was appended; an incomplete entry waits for its rest."""
        data = self._rest + data
        at = 0
        for at, (number, tag, *fields) in entries(data):  # noqa: B007 - the end of the last complete entry
            if not tag:
                self.is_damaged = True
                continue
            if tag == "P" or number not in self._readers:
                self._readers[number] = _Reader(Process(number))
                self.processes.append(self._readers[number].process)
            try:
                self._readers[number].read(tag, fields)
            except KeyError:  # it refers to a damaged part
                self.is_damaged = True
        self._rest = data[at:]


def processes(data: bytes) -> list[Process]:
    """Returns the processes of a journal, in the order in which they started."""
    reader = JournalReader()
    reader.feed(data)
    if reader.is_damaged and reader.processes:
        first = reader.processes[0]
        first.blind_spots = [*first.blind_spots, _DAMAGED]
    return reader.processes


_DAMAGED = (
    "a part of the journal is damaged, by a full disk or by a program that writes into it; what it says is not in this"
    " report"
)


_STATES: dict[str, tuple[Any, ...]] = {
    "B": ("blind_spots",),
    "E": ("end",),
    "M": ("modules",),
    "U": ("used", True),
}
"""Entries that set an attribute of the process, to their field or to the value given here."""


class _Reader:
    """Builds the records of one process."""

    def __init__(self, process: Process) -> None:
        self.process = process
        self._stacks: dict[int, Stack] = {0: ()}
        self._codes: dict[tuple[Any, ...], RecordedCode] = {}
        self._loops: dict[int, LoopRecord] = {}
        self._clients: dict[int, ClientRecord] = {}
        self._connections: dict[int, ConnectionRecord] = {}
        self._calls: dict[int, CallRecord] = {}
        self._records: dict[str, Callable[..., None]] = {
            "L": self._loop,
            "C": self._client,
            "X": self._connection,
            "F": self._fact,
        }

    def read(self, tag: str, fields: list[Any]) -> None:
        """Reads one entry."""
        reader = self._records.get(tag)
        if reader is not None:
            reader(*fields)
        elif tag == "P":
            self.process.parent, self.process.argv, self.process.python = fields
        elif tag == "S":
            self._stacks[fields[0]] = tuple(self._parts(fields[1]))
        elif tag == "K":
            how, number, paths, arguments, stack = fields
            self.process.started.append(Started(how, number, paths, arguments, self._stacks[stack]))
        elif tag == "D":
            self._hanging_of_this_answer()
            self.process.asked = True
        elif tag == "N":
            self.process.cells[fields[0]] = fields[1]
        elif tag == "R":
            self.process.facts.pop(fields[0], None)
        elif tag == "T":
            self.process.calls, self.process.requests = fields
        else:
            name, *value = _STATES[tag]
            setattr(self.process, name, value[0] if value else fields[0])

    def _hanging_of_this_answer(self) -> None:
        """Drops what waited when the process was asked before."""
        if self.process.asked:
            self.process.hanging.clear()

    def _parts(self, frames: Iterable[tuple[Any, ...]]) -> Iterable[Any]:
        for *identity, position in frames:
            key = tuple(identity)
            if key not in self._codes:
                self._codes[key] = RecordedCode(*key)
                if os.path.exists(key[0]) and not os.path.isfile(key[0]):  # a pipe, which would block the reader
                    self.process.cells[key[0]] = []
            yield self._codes[key]
            yield position

    def _loop(self, number: int, kind: str, created: int, closed: int | None, purpose: str) -> None:
        record = self._loops.get(number)
        if record is None:
            record = self._loops[number] = LoopRecord(None, self._stacks[created], kind=kind)
        record.closed = None if closed is None else self._stacks[closed]
        record.purpose = purpose

    def _client(self, number: int, name: str, package: str, created: int, *state: Any) -> None:
        record = self._clients.get(number)
        if record is None:
            record = self._clients[number] = ClientRecord(None, name, package, self._stacks[created])
        record.created = self._stacks[created]
        owner, record.calls, record.requests, held, variable = state
        record.owner = self._clients.get(owner)
        record.holder = None if held is None else ClientHolder(held[0], None, *held[1:])
        record.variable = None if variable is None else Variable(*variable)

    def _connection(self, number: int, loop: int, client: int, peer: str, opened: int) -> None:
        if number not in self._connections:
            record = ConnectionRecord(self._loops[loop], self._clients.get(client), peer, self._stacks[opened])
            self._connections[number] = record

    def _fact(self, when: str, call: int, number: int, kind: str, severity: str, *fields: Any) -> None:
        loop, client, connection, current, stack, operation, trigger, detail, count = fields
        fact = Fact(
            kind,
            severity,
            loop=self._loops.get(loop),
            client=self._clients.get(client),
            connection=self._connections.get(connection),
            call=self._calls.setdefault(call, CallRecord.of_another_process()) if call else None,
            current=self._loops.get(current),
            stack=self._stacks[stack],
            operation=operation,
            trigger=trigger,
            detail={name: self._stacks[value[1]] if name == "closed" else value for name, value in detail.items()},
            count=count,
        )
        if when == "interrupt":
            self.process.interrupted.append((fact, self.process.calls))
        elif when == "hanging":
            self._hanging_of_this_answer()
            self.process.asked = False
            self.process.hanging.append(fact)
        else:
            self.process.facts[number] = fact
