"""aiohttp: sessions, their connections, and requests from another loop than the session's."""

from __future__ import annotations

import contextvars
import sys
from typing import Any

from diagnostics.sanitizer.capture.connections import record_of
from diagnostics.sanitizer.capture.facts import SESSION_REQUEST, CallRecord, ClientRecord, Exchange, now
from diagnostics.sanitizer.capture.finalizers import finalizers
from diagnostics.sanitizer.capture.patching import ARGUMENTS, Patch, before, built, disguise
from diagnostics.sanitizer.capture.running import running_loop
from diagnostics.sanitizer.capture.sites import Stack, capture
from diagnostics.sanitizer.capture.tracker import TRACKER

SESSION: contextvars.ContextVar[tuple[ClientRecord | None, Stack] | None] = contextvars.ContextVar(
    "diagnostics_session", default=None
)
"""The session that opens a connection, and where. Set in the task that opens it, so the protocol's callback sees it."""


def session_created(session: Any) -> None:
    """A session is created."""
    cls = type(session)
    TRACKER.client_created(session, f"{cls.__module__.split('.')[0]}.{cls.__name__}", "aiohttp", sdk=False)


def connector_created(connector: Any) -> None:
    """A connector is created: by the program, for several sessions, or by a session for itself."""
    caller = sys._getframe(3)
    if type(connector).__module__ == "aiohttp.connector" and caller.f_code.co_name != "__init__":
        TRACKER.client_created(connector, f"aiohttp.{type(connector).__name__}", "aiohttp", sdk=False)


def belongs_to_connector(session: Any, record: ClientRecord) -> None:
    """A session that does not close its connector keeps no connection: what the program has to close is that."""
    if record.owner is None and not getattr(session, "_connector_owner", True):
        record.owner = TRACKER.client(session._connector)


def requests(original: Any, patch: Patch) -> Any:
    """Builds a replacement for the method that makes a request; as `calls`, with one function call less."""
    client_of, started = TRACKER.clients.get, TRACKER.call_started

    def replacement(*args: Any, **kwargs: Any) -> Any:
        coroutine = original(*args, **kwargs)
        if patch.on:
            try:
                session = args[0]
                client = client_of(id(session))
                call = started(client, "aiohttp", coroutine)
                try:
                    own = call.loop is session._loop._diagnostics_record  # type: ignore[union-attr] # `MARK`
                except AttributeError:  # a part of another call, or a loop that is older than the sanitizer
                    own = False
                if not own:
                    requested(session, client)
            except Exception as error:
                patch.fail(error)
        return coroutine

    return disguise(replacement, original)


def requested(session: Any, client: ClientRecord | None) -> None:
    """A session gets a request, perhaps from another loop than its own."""
    if client is not None:
        belongs_to_connector(session, client)
    loop = running_loop()
    if session._loop is not loop and loop is not None and client is not None and not _reports(session._loop):
        TRACKER.foreign_access(
            "cross-loop-use",
            TRACKER.loop(session._loop),
            SESSION_REQUEST,
            capture(sys._getframe(2)),
            once=(client.number, now(), SESSION_REQUEST),
            client=client,
        )


def _reports(loop: Any) -> bool:
    """Returns whether a loop and its transports report each access themselves: if it is closed, and not uvloop's."""
    return loop.is_closed() and hasattr(loop, "_check_closed")


def opening(_: Any) -> None:
    """A connector opens a connection, in the task of the request that needs one."""
    call = TRACKER.current_call()
    SESSION.set((None if call is None else call.http, capture(sys._getframe(2))))


def opened(protocol: Any, transport: Any) -> None:
    """A connection is established."""
    if type(protocol).__module__ != "aiohttp.client_proto":
        return  # a server's connection
    loop = running_loop() or protocol._loop
    socket = transport.get_extra_info("socket")
    descriptor = socket.fileno() if socket is not None else None
    below = getattr(loop, "_transports", {}).get(descriptor)
    peer = transport.get_extra_info("peername")
    name = f"{peer[0]}:{peer[1]}" if isinstance(peer, tuple) else ""
    session, stack = SESSION.get() or (None, None)
    if session is not None:
        belongs_to_connector(session.ref(), session)
    TRACKER.connection_opened(protocol, name, below, session, descriptor=descriptor, stack=stack)


def sends(original: Any, patch: Patch) -> Any:
    """Builds a replacement for the method that sends a request; `before` costs more."""
    sending = TRACKER.sending

    def observe(request: Any, conn: Any) -> None:
        call = sending((request.method, request.url))
        if request.method == "CONNECT":
            tunnelling(call, conn)

    def replacement(self: Any, conn: Any) -> Any:
        if patch.on:
            try:
                method = self.method  # as in `observe`, whose call would cost more than what it does
                call = sending((method, self.url), ())
                if method == "CONNECT":
                    tunnelling(call, conn)
            except Exception as error:
                patch.fail(error)
        return original(self, conn)

    code = getattr(original, "__code__", None)
    named = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount] if code is not None else ()
    if code is None or named != ("self", "conn") or code.co_flags & ARGUMENTS:
        return before(observe)(original, patch)  # of another version or another tool
    return disguise(replacement, original)


def tunnelling(call: CallRecord | None, connection: Any) -> None:
    """A proxy is asked for a tunnel."""
    record = record_of(connection.protocol)
    if record is not None:
        record.exchange = Exchange(call, tunnel=True)


def closing(protocol: Any) -> None:
    """A session closes a connection."""
    record = record_of(protocol)
    if record is not None:
        TRACKER.connection_closed(record)


def lost(protocol: Any) -> None:
    """A connection is lost or closed."""
    record = record_of(protocol)
    if record is not None:
        record.loop.connections.pop(record.number, None)
        record.closed = True


PATCHES = [
    Patch("aiohttp.client", "ClientSession", "__new__", built(session_created)),
    Patch("aiohttp.client", "ClientSession", "_request", requests),
    Patch("aiohttp.connector", "BaseConnector", "__new__", built(connector_created)),
    Patch("aiohttp.connector", "TCPConnector", "_create_connection", before(opening)),
    *finalizers("aiohttp.connector", "BaseConnector"),
    Patch("aiohttp.client_reqrep", "ClientRequest", "send", sends),
    Patch("aiohttp.client_proto", "ResponseHandler", "close", before(closing)),
    Patch("aiohttp.client_proto", "ResponseHandler", "connection_lost", before(lost)),
    Patch("aiohttp.base_protocol", "BaseProtocol", "connection_made", before(opened)),
]
