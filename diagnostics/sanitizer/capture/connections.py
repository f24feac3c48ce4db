"""Connections and their records, which are attached to what other libraries call a connection."""

from __future__ import annotations

from typing import Any

from diagnostics.sanitizer.capture.facts import MAX_CONNECTIONS, ConnectionRecord

MARK = "_diagnostics_record"
"""Attribute of loops, connections and transports that holds their record.

A weak reference alone is not enough: the collector clears weak references before it calls the `__del__` that
resurrects a client, with everything reachable from it, in order to close it.
"""

MAX_DROPPED = 100


def record_of(connection: Any) -> ConnectionRecord | None:
    """Returns the record of a connection or transport that was opened while this process was instrumented."""
    record: ConnectionRecord | None = connection.__dict__.get(MARK)
    return record


def dropped(record: ConnectionRecord) -> None:
    """Records that only the collector closed a connection. A few of many are enough for a finding."""
    if not record.by_collector and len(record.loop.dropped) < MAX_DROPPED:
        record.by_collector = True
        record.loop.dropped.append(record)


def keep(record: ConnectionRecord) -> None:
    """Records that a connection is open on its loop; of many there, those are forgotten that went with a transport."""
    loop = record.loop
    loop.connections[record.number] = record
    if len(loop.connections) < loop.connections_at_most:
        return
    for each in list(loop.connections.values()):
        if each.ref is not None and each.ref() is None and (each.transport is None or each.transport() is None):
            loop.connections.pop(each.number, None)
            if not each.closed:
                dropped(each)
    loop.connections_at_most = max(MAX_CONNECTIONS, 2 * len(loop.connections))


def retire_tunnel(record: ConnectionRecord, transport: Any, descriptor: int | None) -> None:
    """Removes the connection that asked a proxy for a tunnel: a new one, over TLS, has taken its socket."""
    if transport is not None:
        earlier = record_of(transport)
    else:
        record.descriptor = descriptor
        earlier = next((each for each in list(record.loop.connections.values()) if _is_tunnel(each, descriptor)), None)
    if earlier is not None:
        earlier.closed = True
        earlier.loop.connections.pop(earlier.number, None)


def _is_tunnel(record: ConnectionRecord, descriptor: int | None) -> bool:
    tunnel = record.exchange is not None and record.exchange.tunnel
    return tunnel and descriptor is not None and record.descriptor == descriptor
