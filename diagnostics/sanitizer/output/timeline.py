"""The order of events: what happens to loops and clients, one line each, written as it happens.

    log.start(file)                   after `install`
    log.start(file, whole=True)       with connections and stacks too, as a timeline shows them
    log.stop()                        before `uninstall`

The recorder keeps what findings are made of; this keeps when. It costs something for every event, so it is off unless
a phase of the debugging plan or a timeline asks. Nothing here prolongs a lifetime, and an observer that fails is
switched off.
"""

from __future__ import annotations

import os
import sys
from typing import Any

from diagnostics.sanitizer.capture import recorder
from diagnostics.sanitizer.capture.facts import CallRecord, ClientRecord, ConnectionRecord, LoopRecord
from diagnostics.sanitizer.capture.gc_neutral import steady
from diagnostics.sanitizer.capture.patching import Patch, Patches, before
from diagnostics.sanitizer.capture.recorder import RECORDER, Recorder, record_of
from diagnostics.sanitizer.capture.sites import Stack, capture
from diagnostics.sanitizer.output.event_writer import EventWriter


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

    def call_begins(self, client: ClientRecord | None, package: str) -> CallRecord:
        before_ = self.calls
        call = super().call_begins(client, package)
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
        if _log is not None:
            _log.writing = False
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
_log: EventWriter | None = None


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
    _log = EventWriter(opened, whole=whole)
    _PATCHES.apply()


def stop() -> None:
    """Stops writing; the recorder goes on as it was."""
    global _log
    log, _log = _log, None
    _PATCHES.take_back()
    _become(Recorder)
    if log is not None:
        log.close()


def _become(cls: type[Recorder]) -> None:
    # The callback in the collector's list is bound to the class it was made from.
    RECORDER.watch_collector(on=False)
    RECORDER.__class__ = cls
    RECORDER.watch_collector(on=RECORDER.on)
