"""The order of events: what happens to loops and clients, one line each, written as it happens.

    log.start(file)                   after `install`
    log.start(file, whole=True)       with connections and stacks too, as a timeline shows them
    log.stop()                        before `uninstall`

The recorder keeps what findings are made of; this keeps when. It costs something for every event, so it is off unless
a phase of the debugging plan asks. Nothing here prolongs a lifetime, and an observer that fails is switched off.
"""

from __future__ import annotations

import itertools
import json
import os
import sys
import time
import weakref
from typing import Any

from diagnostics.model.event import Event
from diagnostics.sanitizer import recorder
from diagnostics.sanitizer.facts import CallRecord, ClientRecord, ConnectionRecord, Fact, LoopRecord
from diagnostics.sanitizer.patching import Patch, Patches, before
from diagnostics.sanitizer.places import operation, shuts_down, sites, thread_name, users_site
from diagnostics.sanitizer.recorder import RECORDER, Recorder, record_of
from diagnostics.sanitizer.sites import Stack, capture
from diagnostics.sanitizer.steady import steady

_PASSING = ("_run_forever_setup", "_run_forever_cleanup", "run_forever", "run_until_complete")
"""Functions of asyncio that run a loop for somebody else."""

_MAKING = ("__init__", "new_event_loop")

TOUCHES_AT_MOST = 20
"""Touches of one kind and loop that are written; a hundred connections make a hundred alike."""

CONNECTIONS_AT_MOST = 60
"""Connections that are written; a thousand make the same picture."""


class _Log:
    """The open file, and the names of what was seen."""

    def __init__(self, file: int, *, whole: bool = False) -> None:
        self._file = file
        self.whole = whole
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

    def name(self, letter: str, number: int) -> str:
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
        return self.name("L", record.number)

    def client(self, record: ClientRecord) -> str:
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
            if _log is self:
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


class _Logged(Recorder):
    """The recorder while a log is kept; the process's one recorder changes into it and back."""

    def loop(self, loop: Any, created: Stack = ()) -> LoopRecord:
        known = getattr(loop, recorder.MARK, None) is not None
        record = super().loop(loop, created)
        if not known and _log is not None:
            subject = _log.loop(record)
            _log.note(
                subject, "created", about=record, name=record.kind, stack=created, skip=("__init__", "new_event_loop")
            )
            _log.follow(loop, subject, record.kind)
        return record

    def client_built(self, client: Any, name: str, package: str, *, sdk: bool) -> ClientRecord:
        record = super().client_built(client, name, package, sdk=sdk)
        if _log is not None:
            _log.clients[id(client)] = record
            if record.owner is None:
                subject = _log.client(record)
                _log.note(subject, "created", name=name, stack=record.created, skip=("__new__", "__init__"))
                _log.follow(client, subject, name)
        return record

    def call_begins(self, client: ClientRecord | None) -> CallRecord:
        before_ = self.calls
        call = super().call_begins(client)
        if _log is not None and self.calls != before_:
            _log.used(call)
        return call

    def touched_loop(self, kind: str, loop: LoopRecord, operation: str, stack: Stack, **words: Any) -> None:
        count = len(self.facts)
        super().touched_loop(kind, loop, operation, stack, **words)
        if _log is not None and len(self.facts) > count:
            _log.touch(self.facts[-1], loop)

    def connection_opened(self, connection: Any, *about: Any, **more: Any) -> None:
        super().connection_opened(connection, *about, **more)
        record = record_of(connection)
        if _log is not None and record is not None:
            _log.on_connection(record, "opened", record.opened)

    def connection_closed(self, record: ConnectionRecord) -> None:
        count, was_open = len(self.facts), not record.closed
        super().connection_closed(record)
        # Elsewhere than on its own loop it is a touch, which has been written.
        if _log is not None and was_open and len(self.facts) == count:
            _log.on_connection(record, "closed", capture(sys._getframe(1)))

    def collector(self, phase: str, info: dict[str, int]) -> None:
        super().collector(phase, info)
        if _log is not None and phase == "start":
            _log.note("GC", "collected", stack=capture(sys._getframe(1)), detail=f"generation {info['generation']}")

    def forked(self) -> None:
        global _log  # noqa: PLW0603 - a child's events are not the trial's
        _log = None
        super().forked()


@steady
def _closing(loop: Any) -> None:
    if _log is not None and not loop.is_closed() and not loop.is_running():
        record = RECORDER.loop(loop)
        stack = capture(sys._getframe(2))
        _log.note(_log.loop(record), "closed", about=record, stack=stack, skip=("close",))


@steady
def _turning(loop: Any, *_: Any) -> None:
    if _log is not None:
        _log.turn(loop)


@steady
def _finalised(client: Any) -> None:
    record = _log.clients.get(id(client)) if _log is not None else None
    if _log is not None and record is not None:
        how = "by the collector" if RECORDER._collecting else "with its last reference"
        _log.note(
            _log.client(record), "finalised", name=type(client).__name__, stack=capture(sys._getframe(2)), detail=how
        )


@steady
def _closed(client: Any, *_: Any, **__: Any) -> None:
    record = _log.clients.get(id(client)) if _log is not None else None
    if _log is not None and record is not None:
        _log.note(
            _log.client(record),
            "closed",
            name=type(client).__name__,
            stack=capture(sys._getframe(2)),
            skip=("aclose", "close"),
        )


@steady
def _sending(connection: Any, *_: Any, **__: Any) -> None:
    record = record_of(connection)
    if _log is not None and record is not None and record.loop.ref() is recorder.running_loop():
        _log.on_connection(record, "used", capture(sys._getframe(2)))


_PATCHES = Patches(
    [
        Patch("asyncio.base_events", "BaseEventLoop", "close", before(_closing)),
        # The one method that run_forever calls as it begins and as it ends, in every Python from 3.7 on.
        Patch(
            "asyncio.base_events", "BaseEventLoop", "_set_coroutine_origin_tracking", before(_turning), optional=True
        ),
        *(
            Patch(f"{name}._base_client", "AsyncHttpxClientWrapper", "__del__", before(_finalised), optional=True)
            for name in ("openai", "anthropic")
        ),
        *(
            Patch("google.genai._api_client", owner, "__del__", before(_finalised), optional=True)
            for owner in ("BaseApiClient", "AsyncHttpxClient", "AsyncHttpx2Client")
        ),
        *(
            Patch(f"{name}._client", "AsyncClient", "aclose", before(_closed), optional=True)
            for name in ("httpx", "httpx2")
        ),
        *(
            Patch(f"{name}._async.{module}", owner, "_send_request_headers", before(_sending), optional=True)
            for name in ("httpcore", "httpcore2")
            for module, owner in (("http11", "AsyncHTTP11Connection"), ("http2", "AsyncHTTP2Connection"))
        ),
    ]
)
_log: _Log | None = None


@steady
def start(file: str, *, whole: bool = False) -> None:
    """Writes events to a file from now on.

    Args:
        file: one JSON line an event.
        whole: whether connections and stacks are written too.

    Raises:
        OSError: the file cannot be made.
    """
    global _log  # noqa: PLW0603 - one log a process, as there is one recorder
    opened = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600)
    _become(_Logged)
    _log = _Log(opened, whole=whole)
    _PATCHES.apply()


def stop() -> None:
    """Stops writing; the recorder goes on as it was."""
    global _log
    log, _log = _log, None
    _PATCHES.take_back()
    _become(Recorder)
    if log is not None:
        os.close(log._file)


def _become(cls: type[Recorder]) -> None:
    # The callback in the collector's list is bound to the class it was made from.
    RECORDER.watch_collector(on=False)
    RECORDER.__class__ = cls
    RECORDER.watch_collector(on=RECORDER.on)
