"""The order of events: what happens to loops and clients, one line each, written as it happens.

    log.start(file)      after `install`
    log.stop()           before `uninstall`

The recorder keeps what findings are made of; this keeps when. It costs something for every event, so it is off unless
a phase of the debugging plan asks. Nothing here prolongs a lifetime, and an observer that fails is switched off.
"""

from __future__ import annotations

import itertools
import json
import os
import sys
import weakref
from typing import Any

from diagnostics.model.event import Event
from diagnostics.sanitizer import recorder
from diagnostics.sanitizer.facts import CallRecord, ClientRecord, LoopRecord
from diagnostics.sanitizer.patching import Patch, Patches, before
from diagnostics.sanitizer.places import operation, shuts_down, users_site
from diagnostics.sanitizer.recorder import RECORDER, Recorder
from diagnostics.sanitizer.sites import Stack, capture

_PASSING = ("_run_forever_setup", "_run_forever_cleanup", "run_forever", "run_until_complete")
"""Functions of asyncio that run a loop for somebody else."""

_MAKING = ("__init__", "new_event_loop")

TOUCHES_AT_MOST = 20
"""Touches of one kind and loop that are written; a hundred connections make a hundred alike."""


class _Log:
    """The open file, and the names of what was seen."""

    def __init__(self, file: int) -> None:
        self._file = file
        self._numbers = itertools.count(1)
        self._names: dict[str, dict[int, str]] = {"L": {}, "C": {}}
        self._used: set[tuple[str, str | None]] = set()
        self._touches: dict[tuple[str, str | None], int] = {}
        self._turns: dict[int, int] = {}
        self._alive: list[weakref.ref[Any]] = []
        self.clients: dict[int, ClientRecord] = {}

    def name(self, letter: str, number: int) -> str:
        names = self._names[letter]
        return names.setdefault(number, f"{letter}{len(names) + 1}")

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
    ) -> None:
        """Writes an event; `about` is the loop whose state is told, `loop` the one that is named beside the subject."""
        number = next(self._numbers)
        running = recorder.running_loop()
        told = about or loop
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
        )
        os.write(self._file, json.dumps(event.to_json()).encode() + b"\n")

    def loop(self, record: LoopRecord) -> str:
        return self.name("L", record.number)

    def client(self, record: ClientRecord) -> str:
        return self.name("C", record.outermost.number)

    def follow(self, thing: Any, subject: str, name: str) -> None:
        """Has it written when an object is gone."""

        def gone(_: Any) -> None:
            how = "by the collector" if RECORDER._collecting else "with its last reference"
            if _log is self:
                self.note(subject, "gone", name=name, detail=how)

        self._alive.append(weakref.ref(thing, gone))

    def used(self, call: CallRecord) -> None:
        """The first call of a client on each loop."""
        if call.client is None:
            return
        subject = self.client(call.client)
        where = self.loop(call.loop) if call.loop is not None else None
        if (subject, where) not in self._used:
            self._used.add((subject, where))
            self.note(subject, "used", loop=call.loop, name=call.client.outermost.name)

    def touch(self, kind: str, loop: LoopRecord, operation_: str, client: ClientRecord | None, stack: Stack) -> None:
        """A foreign touch, the first few of each kind."""
        key = (kind, self.loop(loop))
        self._touches[key] = self._touches.get(key, 0) + 1
        if self._touches[key] <= TOUCHES_AT_MOST:
            subject = self.client(client) if client is not None else self.loop(loop)
            self.note(subject, "touched", loop=loop, stack=stack, detail=f"{kind}: {operation_}")

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
            fact = self.facts[-1]
            _log.touch(fact.kind, loop, operation, fact.client, fact.stack)

    def collector(self, phase: str, info: dict[str, int]) -> None:
        super().collector(phase, info)
        if _log is not None and phase == "start":
            _log.note("GC", "collected", stack=capture(sys._getframe(1)), detail=f"generation {info['generation']}")

    def forked(self) -> None:
        global _log  # noqa: PLW0603 - a child's events are not the trial's
        _log = None
        super().forked()


def _closing(loop: Any) -> None:
    if _log is not None and not loop.is_closed() and not loop.is_running():
        record = RECORDER.loop(loop)
        stack = capture(sys._getframe(2))
        _log.note(_log.loop(record), "closed", about=record, stack=stack, skip=("close",))


def _turning(loop: Any, *_: Any) -> None:
    if _log is not None:
        _log.turn(loop)


def _finalised(client: Any) -> None:
    record = _log.clients.get(id(client)) if _log is not None else None
    if _log is not None and record is not None:
        how = "by the collector" if RECORDER._collecting else "with its last reference"
        _log.note(
            _log.client(record), "finalised", name=type(client).__name__, stack=capture(sys._getframe(2)), detail=how
        )


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
    ]
)
_log: _Log | None = None


def start(file: str) -> None:
    """Writes events to a file from now on.

    Raises:
        OSError: the file cannot be made.
    """
    global _log  # noqa: PLW0603 - one log a process, as there is one recorder
    opened = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600)
    _become(_Logged)
    _log = _Log(opened)
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
