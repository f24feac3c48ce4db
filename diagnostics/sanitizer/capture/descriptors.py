"""File descriptors that a connection closes although another connection has them by now (CPython issue 130141).

The collector finalizes a dropped client and its transports together. `_SelectorTransport.__del__` closes the sockets,
and the client's `__del__` starts a task that closes the client, which resurrects the transports. In between, one
iteration of the loop per transport, new connections get the freed descriptors. Closing an old transport then goes by
number (`_force_close` calls `loop._remove_reader(self._sock_fd)`): the loop stops watching the new connection, and the
call on it waits until its timeout. The fix is to close clients.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from diagnostics.sanitizer.capture.connections import record_of
from diagnostics.sanitizer.capture.facts import ConnectionRecord

_LAYERS = 4


class Victim(NamedTuple):
    """A connection that its loop stops watching; `record` is `None` while that is being opened."""

    record: ConnectionRecord | None


def victim_of(connection: Any, loop: Any) -> Victim | None:
    """Returns the connection that the loop stops watching if this httpcore connection is closed now."""
    transport = _transport(connection)
    socket = getattr(transport, "_sock", None)
    if socket is None or socket.fileno() != -1:
        return None
    number = transport._sock_fd
    selector = getattr(loop, "_selector", None)
    key = selector.get_map().get(number) if selector is not None else None
    # The reader cannot be its own: the loop would have kept this transport alive, out of the collector's reach.
    if key is None or key.data[0] is None:
        return None
    other = loop._transports.get(number)
    return Victim(record_of(other) if other is not None else None)


def _transport(connection: Any) -> Any:
    """Returns asyncio's transport of a connection. The collector has cleared the record's weak reference to it."""
    stream = getattr(getattr(connection, "_network_stream", None), "_stream", None)
    for _ in range(_LAYERS):
        stream = getattr(stream, "transport_stream", stream)
    return getattr(stream, "_transport", None)
