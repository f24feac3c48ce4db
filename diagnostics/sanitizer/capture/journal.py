"""The journal: a file to which a process appends what it records, so that another process can report it.

A program may end in any way: killed, out of file descriptors, replaced by `exec`, with an exhausted stack or a cleared
`sys.path`. So nothing is analyzed inside it. Each fact is written immediately, in one `write` to a file opened for
appending; forked children write to the same file. The format is private to this version of the package. It is marshal,
which is built in and needs no import.

Before each entry are its length and checksum: after a full disk, or a program that writes into the file, what follows a
damaged part is read all the same, and marshal never sees the damaged part, which could crash it.

Every entry is `(process id, tag, fields…)`:

    P  process     parent's process id, command line, Python version
    U  used        it has an event loop
    N  cell        name, lines of source
    S  stack       id, frames
    L  loop        number, kind, stack ids of creation and close, purpose
    C  client      number, name, package, stack id of creation, number of the owner, calls, requests, holder, variable
    X  connection  number, loop, client, peer, stack id of opening
    R  retracted   number of a fact
    F  fact        when it counts (see `Journal.fact`), the number of its call, and its fields
    T  totals      calls, requests
    B  blind spots lines
    M  modules     the libraries imported, with their files
    K  started     how, process id, paths of the program, arguments, stack id
    D  asked       it was asked what it waits for, and has answered
    E  end         how the process ended: the journal of this process is complete
"""

from __future__ import annotations

import binascii
import itertools
import marshal
import sys
from collections.abc import Iterable, Iterator

# These themselves: a program may replace the functions of `os`, as tests without a file system do.
from os import O_APPEND, O_WRONLY, fstat, getpid
from os import close as close_file
from os import open as open_file
from os import write as write_to
from types import CodeType
from typing import Any, Final

from diagnostics.sanitizer.capture.cells import shown_file, source
from diagnostics.sanitizer.capture.facts import ClientRecord, ConnectionRecord, Fact, LoopRecord
from diagnostics.sanitizer.capture.instruments import Instrument
from diagnostics.sanitizer.capture.sites import (
    Stack,
    file_of,
    frames,
    is_generated,
    loaded_frameworks,
    loaded_libraries,
    position,
)

HIGH: Final = 250
"""The lowest descriptor that a journal uses, so that the program gets the same descriptors as without it. Where fewer
are allowed, it is the last one."""

MOST_STARTED: Final = 10_000
"""Programs that a process records: it may start others for weeks."""

BEYOND: Final = "more"
"""How the first one was started that is not recorded."""

MOST_BYTES: Final = 16 * 1024 * 1024
"""The length of a journal from which only the program itself appends to it: it may start others for weeks."""

DAMAGED: Final = (0, "")
"""What is read in the place of a damaged part."""

_BEGINS: Final = b"\xe5\x0e\xd1\xa6"
_FRONT: Final = len(_BEGINS) + 8
"""Bytes before each entry: how one begins, its length and its checksum."""

_FORMAT: Final = 4
"""What every Python from 3.10 on reads: a child may run on another one than the supervisor."""


class Journal(Instrument):
    """An instrument that appends to the file of a run.

    Args:
        path: the file, which exists. It is opened again if the program closes its descriptor, as `os.closerange` does.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._descriptor, self._identity = -1, (0, 0)
        self._used = False
        self._open()
        self._known: dict[Any, Any] = {}
        self._stacks: dict[int, tuple[int, Stack]] = {}
        self._numbers = itertools.count(1)
        self._most = 0
        self._held: dict[str, tuple[Any, ...]] = {}
        self._inherited: tuple[Any, ...] = ()

    def process_begins(self, parent: int, *, child: bool = False) -> None:
        """Starts over: this is a new process that shares the file with its parent.

        Args:
            parent: its process id.
            child: whether the parent is instrumented, too.
        """
        self._most = MOST_BYTES if child else 0
        self._write([self._begins(parent)])

    def process_forked(self, parent: int, blind_spots: list[str]) -> None:
        """Starts over in a forked child; nothing is written before it has something to say.

        Args:
            parent: the process id of its parent.
            blind_spots: those that it inherits.
        """
        self._most = MOST_BYTES
        self._held, self._inherited = {"P": self._begins(parent)}, ("B", blind_spots)

    def _begins(self, parent: int) -> tuple[Any, ...]:
        self._used = False
        self._known.clear()
        self._stacks.clear()
        self._held.clear()
        argv = [str(word) for word in getattr(sys, "argv", None) or ()]
        return ("P", parent, argv, sys.version.split()[0])

    def fact(self, fact: Fact, when: str = "") -> None:
        """Writes a fact with everything it refers to.

        Args:
            fact: the fact.
            when: empty if the fact is certain; `interrupt` for a call that waited at Ctrl-C; `hanging` for a call that
                waits now and counts only if the process ends here.
        """
        detail = {
            name: ("stack", self._stack(value)) if name == "closed" else value
            for name, value in fact.detail.items()
            if name == "closed" or isinstance(value, (str, int, bool))
        }
        numbers = [
            self._loop(fact.loop),
            self._client(fact.client),
            self._connection(fact.connection),
            self._loop(fact.current),
            self._stack(fact.stack),
        ]
        call = fact.call.number if fact.call is not None else 0
        fields = (fact.kind, fact.severity, *numbers, fact.operation, fact.trigger, detail, fact.count)
        self._write([*self._modules(), ("F", when, call, fact.number, *fields)])

    def loop_created(self, *_: Any) -> None:
        """Marks that the process has an event loop: without one there is nothing to say about its end."""
        if not self._used:
            self._used = True
            self._write([("U",)])

    def fact_withdrawn(self, fact: Fact) -> None:
        """Marks that a fact proved wrong: a stream was abandoned, and then closed by its program."""
        self._write([("R", fact.number)])

    def blind_spots(self, lines: list[str]) -> None:
        """Writes them at once: the process may be killed."""
        self._write([("B", lines)])

    def state(self, calls: int, requests: int, clients: Iterable[ClientRecord], blind_spots: list[str]) -> None:
        """Writes the counters of this process."""
        for client in clients:
            self._client(client)
        self._write([("T", calls, requests), ("B", blind_spots), *self._modules()])

    def started(self, how: str, process: int, paths: list[str], arguments: list[str], stack: Stack) -> None:
        """Writes that this process started a program, or is about to become one."""
        self._write([("K", how, process, paths, arguments, self._stack(stack))])

    def answered(self) -> None:
        """Marks that everything that is `hanging` was written."""
        self._write([("D",)])

    def ends(self, how: str) -> None:
        """Marks that the journal of this process is complete."""
        self._write([("E", how)])

    def _modules(self) -> Iterator[tuple[Any, ...]]:
        """Yields the entry of the imported libraries if there are new ones: whose code it is depends on them."""
        modules = {**loaded_libraries(), **loaded_frameworks()}
        if self._known.get("M") != modules:
            self._known["M"] = modules
            yield ("M", modules)

    def _loop(self, record: LoopRecord | None) -> int:
        if record is None:
            return 0
        closed = None if record.closed is None else self._stack(record.closed)
        entry = ("L", record.number, record.kind, self._stack(record.created), closed, record.purpose)
        self._once(entry)
        return record.number

    def _client(self, record: ClientRecord | None) -> int:
        if record is None:
            return 0
        created, owner = self._stack(record.created), self._client(record.owner)
        held = None if record.holder is None else (record.holder.type, *record.holder[2:])
        held_by = record.variable
        variable = None if held_by is None else tuple(held_by._replace(file=shown_file(held_by.file)))
        fields = (record.name, record.package, created, owner, record.calls, record.requests, held, variable)
        self._once(("C", record.number, *fields))
        return record.number

    def _connection(self, record: ConnectionRecord | None) -> int:
        if record is None:
            return 0
        loop, client = self._loop(record.loop), self._client(record.client)
        self._once(("X", record.number, loop, client, record.peer, self._stack(record.opened)))
        return record.number

    def _stack(self, stack: Stack) -> int:
        known = self._stacks.get(id(stack))
        if known is None or known[1] is not stack:
            known = (next(self._numbers), stack)
            cells = [("N", file, source(file)) for file in self._new_cells(stack)]
            self._write([*cells, ("S", known[0], [_frame(code, at) for code, at in frames(stack)])])
            self._stacks[id(stack)] = known  # kept, so that its id is not reused
        return known[0]

    def _new_cells(self, stack: Stack) -> Iterator[str]:
        """Yields the cells of a notebook that a stack has and the journal has not: only this process knows them."""
        for code, _ in frames(stack):
            file = shown_file(code.co_filename)
            if file != code.co_filename and ("N", file) not in self._known:
                self._known["N", file] = True
                yield file

    def _once(self, entry: tuple[Any, ...]) -> None:
        """Writes an entry unless it was; it counts as written once it is: other threads write what refers to it."""
        if self._known.get(entry[:2]) != entry:
            self._write([entry])
            self._known[entry[:2]] = entry

    def _write(self, entries: list[tuple[Any, ...]]) -> None:
        if self._held:
            if all(map(self._says_nothing, entries)):
                self._held.update((entry[0], entry) for entry in entries)
                return
            held, self._held = self._held, {}
            entries = [*held.values(), *entries]
        data = b""
        for entry in entries:
            packed = marshal.dumps((getpid(), *entry), _FORMAT)
            checksum = binascii.crc32(packed).to_bytes(4, "little")
            data += _BEGINS + len(packed).to_bytes(4, "little") + checksum + packed
        try:
            identity, length = _identity(self._descriptor)
        except OSError:
            identity, length = (0, 0), 0
        if identity != self._identity:  # the program has closed the descriptor, and may have used its number again
            length = self._open()
        if not 0 < self._most <= length:
            write_to(self._descriptor, data)

    def _says_nothing(self, entry: tuple[Any, ...]) -> bool:
        """Returns whether an entry is of no interest in a process of which there is nothing else to say."""
        return entry[0] in ("M", "D", "E") or entry in (("T", 0, 0), self._inherited)

    def _open(self) -> int:
        """Opens the file; returns its length."""
        self._descriptor = _high(open_file(self._path, O_WRONLY | O_APPEND))
        self._identity, length = _identity(self._descriptor)
        return length


def _high(low: int) -> int:
    """Moves a descriptor to a high number, if the system and its limits allow that."""
    try:
        import fcntl
        import resource

        allowed = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        lowest = HIGH if allowed == resource.RLIM_INFINITY else min(HIGH, allowed - 1)
        high = fcntl.fcntl(low, fcntl.F_DUPFD_CLOEXEC, lowest)
    except (ImportError, OSError, ValueError):
        return low
    close_file(low)
    return high


def _identity(descriptor: int) -> tuple[tuple[int, int], int]:
    """Returns what tells a file from others, and its length."""
    status = fstat(descriptor)
    return (status.st_dev, status.st_ino), status.st_size


def _frame(code: CodeType, at: int) -> tuple[Any, ...]:
    made = file_of(code)
    return (
        shown_file(code.co_filename),
        made if made != code.co_filename else "",
        code.co_name,
        getattr(code, "co_qualname", code.co_name),
        "self" in code.co_varnames,
        is_generated(code),
        position(code, at),
    )


def entries(data: bytes) -> Iterator[tuple[int, tuple[Any, ...]]]:
    """Yields the entries of a journal, each after the position of its end, except a last one that is incomplete.

    Damaged parts are left out; the last entry before one is followed by `DAMAGED`.
    """
    at = 0
    while at < len(data):
        end = _end(data, at)
        if end:
            yield end, marshal.loads(data[at + _FRONT : end])  # noqa: S302 - written by this version of this package
            at = end
            continue
        found = data.find(_BEGINS, at + 1)
        while found >= 0 and not _end(data, found):
            found = data.find(_BEGINS, found + 1)
        if found < 0:
            return
        at = found
        yield at, DAMAGED


def _end(data: bytes, at: int) -> int:
    """Returns where an entry ends that begins here; 0 if there is no whole one."""
    packed = at + _FRONT
    end = packed + int.from_bytes(data[packed - 8 : packed - 4], "little")
    if not data.startswith(_BEGINS, at) or not packed <= end <= len(data):
        return 0
    checksum = int.from_bytes(data[packed - 4 : packed], "little")
    return end if binascii.crc32(memoryview(data)[packed:end]) == checksum else 0
