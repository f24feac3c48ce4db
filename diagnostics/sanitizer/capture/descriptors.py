"""File descriptors that a connection closes although they are another one's by now (CPython issue 130141).

The collector finalises a dropped client and its transports together: the sockets are closed, and the client's `__del__`
has it closed properly a moment later. That goes by the descriptor's number, which the loop may have given to a new
connection in between: the loop stops watching that one, and the call on it waits for ever.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from diagnostics.sanitizer.capture.facts import ConnectionRecord
from diagnostics.sanitizer.capture.recorder import record_of

_LAYERS = 4


class Robbed(NamedTuple):
    """Who loses its place in the loop; `record` is `None` for a connection that is still being opened."""

    record: ConnectionRecord | None


def robbed(connection: Any, loop: Any) -> Robbed | None:
    """Whether another connection loses its place in the loop when this one of httpcore's is closed now."""
    transport = _transport(connection)
    socket = getattr(transport, "_sock", None)
    if socket is None or socket.fileno() != -1:
        return None
    number = transport._sock_fd
    instrumented = getattr(loop, "_selector", None)
    key = instrumented.get_map().get(number) if instrumented is not None else None
    # Its own reader cannot be there: the loop would have held this transport, and the collector left it alone.
    if key is None or key.data[0] is None:
        return None
    other = loop._transports.get(number)
    return Robbed(record_of(other) if other is not None else None)


def _transport(connection: Any) -> Any:
    """Asyncio's transport beneath a connection; its record's weak reference was cleared when the collector came."""
    stream = getattr(getattr(connection, "_network_stream", None), "_stream", None)
    for _ in range(_LAYERS):
        stream = getattr(stream, "transport_stream", stream)
    return getattr(stream, "_transport", None)
