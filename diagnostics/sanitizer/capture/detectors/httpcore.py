"""httpcore and httpcore2: connections as they are opened, used and closed.

One method for each: the `__init__` of an established connection, the method that sends a request's headers, and
`aclose`. This covers HTTP/1.1 and HTTP/2, with and without a proxy, on any loop.
"""

from __future__ import annotations

import sys
from typing import Any

from diagnostics.model.libraries import LIBRARIES, stacks
from diagnostics.sanitizer.capture.connections import MARK, record_of
from diagnostics.sanitizer.capture.descriptors import victim_of
from diagnostics.sanitizer.capture.facts import CallRecord, ClientRecord, ConnectionRecord, Exchange, Fact, LoopRecord
from diagnostics.sanitizer.capture.holders import locals_of, search
from diagnostics.sanitizer.capture.owners import older_client
from diagnostics.sanitizer.capture.patching import Patch, before
from diagnostics.sanitizer.capture.pending import waiting_for_slot
from diagnostics.sanitizer.capture.running import running_loop
from diagnostics.sanitizer.capture.sites import capture, task_frames
from diagnostics.sanitizer.capture.slots import slots_of
from diagnostics.sanitizer.capture.streams import cut_short, reading, response_closed
from diagnostics.sanitizer.capture.tracker import FINALIZER, TRACKER


def opened(connection: Any, origin: Any = None, stream: Any = None, *_: Any, **__: Any) -> None:
    """A connection is established."""
    loop = running_loop()
    if loop is None:  # trio, or a pool used without a loop
        if "trio" in sys.modules and sys.modules["trio"].lowlevel.in_trio_run():
            TRACKER.opaque.add("trio")
        return
    call = TRACKER.current_call()
    host, port = getattr(origin, "host", b""), getattr(origin, "port", None)
    peer = f"{host.decode(errors='replace')}:{port}" if isinstance(host, bytes) and host else ""
    descriptor = descriptor_of(stream)
    if descriptor is None:
        return  # a backend for tests: it has no socket
    transport = getattr(loop, "_transports", {}).get(descriptor)
    client = _client(call) if call else None
    TRACKER.connection_opened(connection, peer, transport, client, descriptor=descriptor)
    if hasattr(stream, "__dict__"):
        setattr(stream, MARK, record_of(connection))  # responses refer to the stream


def _client(call: CallRecord) -> ClientRecord | None:
    """Returns the client of a call: found here if it is older than the sanitizer, or was made by a function."""
    client = call.http
    if client is None:
        if (frame := call.frame) is None:
            return None
        call.client = client = older_client(locals_of(frame).get("self"), TRACKER.clients)
    elif (around := client.outermost).holder is not None and around.holder.how == "unseen":
        search(around)  # its variable may be gone when there is something to report
    return client


def sending(connection: Any, request: Any = None, stream_id: int | None = None, **_: Any) -> None:
    """The headers of a request go out on a connection."""
    if request is None:
        call = TRACKER.sending(None)
    else:
        call = TRACKER.sending((request.method, request.url.target), request.headers)
    record = record_of(connection)
    if record is None:
        return
    if stream_id is None and request is not None:
        record.exchange = Exchange(call, tunnel=request.method == b"CONNECT")
    if record.generation != TRACKER.generation:
        inherited(record)
    TRACKER.connection_used(record)


def entered(connection: Any) -> None:
    """A pool assigns a request to a connection, which may have to be opened first."""
    owner = connection.__dict__.get(MARK)
    if owner is not None and connection._connection is not None:
        return
    loop = running_loop()
    if loop is None:
        return
    if owner is None:
        owner = TRACKER.loop(loop)
        setattr(connection, MARK, owner)
        TRACKER.opens(owner)
    elif owner.ref() is not loop and owner.closed is None:
        # HTTP/2 requests wait for the request that opens the connection, on a lock that only its loop releases.
        _foreign_access(owner, "a lock", "connection.open")


def queued(request: Any) -> None:
    """A request may have to wait for a slot of its pool."""
    if request.connection is not None or TRACKER.is_only_opener():
        return
    call = TRACKER.current_call()
    if call is None:
        return
    slots = slots_of(call, request)
    fact = waiting_for_slot(call, slots)
    if fact is not None:
        TRACKER.report(fact)
    if slots.foreign is not None:
        _foreign_access(slots.foreign, "a pool slot", "pool.wait")


def _foreign_access(owner: LoopRecord, what: str, operation: str) -> None:
    call = TRACKER.current_call()
    TRACKER.foreign_access(
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
    """Httpcore closes a connection."""
    record = record_of(connection)
    if record is None:
        return
    parents, busy = record.generation != TRACKER.generation, not (connection.is_idle() or connection.is_closed())
    if not record.closed and not parents and busy and TRACKER.current_call() is None:
        cut_short(record)
    if not record.closed and FINALIZER.get() is not None:
        _report_reused_descriptor(record, connection)
    TRACKER.connection_closed(record)


def _report_reused_descriptor(record: ConnectionRecord, connection: Any) -> None:
    """A finalizer closes a connection whose descriptor may belong to another connection by now."""
    victim, finalizer = victim_of(connection, running_loop()), FINALIZER.get()
    if victim is None or finalizer is None:
        return
    TRACKER.report(
        Fact(
            "stuck-waiter",
            "error",
            loop=record.loop,
            client=record.client,
            connection=victim.record,
            current=TRACKER.running(),
            stack=task_frames(capture(sys._getframe(2))) + finalizer[1],
            operation="connection.aclose",
            trigger=finalizer[0],
            detail={"robbed": True},
        )
    )


def inherited(record: ConnectionRecord) -> None:
    """A connection that was opened before a fork sends a request in the child."""
    TRACKER.report(
        Fact(
            "inherited-connection",
            "error",
            loop=record.loop,
            client=record.client,
            connection=record,
            current=TRACKER.running(),
            stack=capture(sys._getframe(2)),
            operation="connection.send",
            trigger="call",
        )
    )
    record.generation = TRACKER.generation  # report it once


def descriptor_of(stream: Any) -> int | None:
    """Returns the file descriptor of a network stream's socket."""
    socket = stream.get_extra_info("socket") if stream is not None else None
    return socket.fileno() if socket is not None else None


_WAITING = (
    ("connection", "AsyncHTTPConnection", "handle_async_request", entered),
    ("connection_pool", "AsyncPoolRequest", "wait_for_connection", queued),  # named so since httpcore 1.0.3
)

PATCHES = [
    patch
    for package in (name for stack in stacks().values() for name in stack if LIBRARIES[name].role == "pool")
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
