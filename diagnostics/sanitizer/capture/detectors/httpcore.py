"""httpcore and httpcore2: connections as they are opened, used and closed.

One edge each: the object of a connection that is up, the moment a request's head goes out, `aclose`. HTTP/1.1 and
HTTP/2 alike, behind a proxy or not, on any loop.
"""

from __future__ import annotations

import sys
from typing import Any

from diagnostics.sanitizer.capture.facts import ConnectionRecord, Exchange, Fact, LoopRecord
from diagnostics.sanitizer.capture.patching import Patch, before
from diagnostics.sanitizer.capture.recorder import FINALISER, MARK, RECORDER, record_of, running_loop, task_frames
from diagnostics.sanitizer.capture.sites import capture
from diagnostics.sanitizer.capture.streams import cut_short, reading, response_closed


def opened(connection: Any, origin: Any = None, stream: Any = None, *_: Any, **__: Any) -> None:
    """A connection is up."""
    loop = running_loop()
    if loop is None:
        return  # trio, or a pool used without a loop
    call = RECORDER.current_call()
    host, port = getattr(origin, "host", b""), getattr(origin, "port", None)
    peer = f"{host.decode(errors='replace')}:{port}" if isinstance(host, bytes) and host else ""
    descriptor = descriptor_of(stream)
    transport = getattr(loop, "_transports", {}).get(descriptor)
    client = call.http if call else None
    RECORDER.connection_opened(connection, peer, transport, client, descriptor=descriptor)
    if hasattr(stream, "__dict__"):
        setattr(stream, MARK, record_of(connection))  # responses name it


def sending(connection: Any, request: Any = None, stream_id: int | None = None, **_: Any) -> None:
    """A request's head goes out on a connection."""
    RECORDER.sending((request.method, request.url.target) if request is not None else None)
    record = record_of(connection)
    if record is None:
        return
    if stream_id is None and request is not None:
        record.exchange = Exchange(RECORDER.current_call(), tunnel=request.method == b"CONNECT")
    if record.generation != RECORDER.generation:
        inherited(record)
    if record.loop.ref() is not running_loop():
        RECORDER.touched(record, "connection.send", closing=False)


def entered(connection: Any, *_: Any, **__: Any) -> None:
    """A request is handed to one of a pool's connections, which it may have to open first."""
    loop = running_loop()
    if loop is None:
        return
    owner = connection.__dict__.get(MARK)
    if owner is None:
        setattr(connection, MARK, RECORDER.loop(loop))
    elif owner.ref() is not loop and connection._connection is None and owner.closed is None:
        # Requests of HTTP/2 wait for the one that opens the connection, by a lock that its loop releases.
        _touched(owner, "a lock", "connection.open")


def queued(request: Any, *_: Any, **__: Any) -> None:
    """A request may have to wait for a slot of its pool."""
    if request.connection is not None:
        return
    call = RECORDER.current_call()
    if call is None:
        return
    from diagnostics.sanitizer.capture.pending import waiting_for_slot
    from diagnostics.sanitizer.capture.slots import slots_of

    fact = waiting_for_slot(call, request)
    if fact is not None:
        RECORDER.note(fact)
    foreign = slots_of(call, request).foreign
    if foreign is not None:
        _touched(foreign, "a pool slot", "pool.wait")


def _touched(owner: LoopRecord, what: str, operation: str) -> None:
    call = RECORDER.current_call()
    RECORDER.touched_loop(
        "cross-loop-use",
        owner,
        operation,
        capture(sys._getframe(2)),
        once=(owner.number, call.number if call else None, what),
        client=call.http if call else None,
        call=call,
        what=what,
    )


def closing(connection: Any) -> None:
    """A connection is closed by its library."""
    record = record_of(connection)
    if record is None:
        return
    parents, busy = record.generation != RECORDER.generation, not (connection.is_idle() or connection.is_closed())
    if not record.closed and not parents and busy and RECORDER.current_call() is None:
        cut_short(record)
    if not record.closed and FINALISER.get() is not None:
        _rob(record, connection)
    RECORDER.connection_closed(record)


def _rob(record: ConnectionRecord, connection: Any) -> None:
    """A finaliser closes a connection; the descriptor that it closes may be another one's."""
    from diagnostics.sanitizer.capture.descriptors import robbed

    victim, finaliser = robbed(connection, running_loop()), FINALISER.get()
    if victim is None or finaliser is None:
        return
    RECORDER.note(
        Fact(
            "stuck-waiter",
            "error",
            loop=record.loop,
            client=record.client,
            connection=victim.record,
            current=RECORDER.running(),
            stack=task_frames(capture(sys._getframe(2))) + finaliser[1],
            operation="connection.aclose",
            trigger=finaliser[0],
            detail={"robbed": True},
        )
    )


def inherited(record: ConnectionRecord) -> None:
    """A connection that was opened before a fork sends something in the child."""
    RECORDER.note(
        Fact(
            "inherited-connection",
            "error",
            loop=record.loop,
            client=record.client,
            connection=record,
            current=RECORDER.running(),
            stack=capture(sys._getframe(2)),
            operation="connection.send",
            trigger="call",
        )
    )
    record.generation = RECORDER.generation  # told


def descriptor_of(stream: Any) -> int | None:
    """The number of the socket beneath a network stream."""
    socket = stream.get_extra_info("socket") if stream is not None else None
    return socket.fileno() if socket is not None else None


_WAITING = (
    ("connection", "AsyncHTTPConnection", "handle_async_request", entered),
    ("connection_pool", "AsyncPoolRequest", "wait_for_connection", queued),  # named so since httpcore 1.0.3
)

PATCHES = [
    patch
    for package in ("httpcore", "httpcore2")
    for patch in (
        Patch(f"{package}._models", "Response", "aread", before(reading)),
        Patch(f"{package}._models", "Response", "aclose", before(response_closed)),
        *(
            Patch(f"{package}._async.{module}", owner, attribute, before(observe), optional=module == "http2")
            for module, owner in (("http11", "AsyncHTTP11Connection"), ("http2", "AsyncHTTP2Connection"))
            for attribute, observe in (("__init__", opened), ("_send_request_headers", sending), ("aclose", closing))
        ),
        *(
            Patch(f"{package}._async.{module}", owner, attribute, before(observe), optional=True)
            for module, owner, attribute, observe in _WAITING
        ),
    )
]
