"""What functions of asyncio make, and what a reader calls it."""

from __future__ import annotations

from typing import Final, NamedTuple


class MadeByAsyncio(NamedTuple):
    """What functions return.

    Attributes:
        closed: the name of what is closed.
        names: of all that they return.
    """

    functions: tuple[str, ...]
    closed: str
    names: str
    verb: str
    noun: str


CLIENT: Final = MadeByAsyncio((), "client", "client", "create", "client")
TRANSPORT: Final = MadeByAsyncio(
    ("create_connection", "create_unix_connection", "create_datagram_endpoint", "connect_read_pipe"),
    *("transport", "transport, protocol", "open", "connection"),
)
MADE: Final = {
    "asyncio.StreamWriter": MadeByAsyncio(
        ("open_connection", "open_unix_connection"), "writer", "reader, writer", "open", "connection"
    ),
    "asyncio.subprocess.Process": MadeByAsyncio(
        ("create_subprocess_exec", "create_subprocess_shell"), "process", "process", "start", "process"
    ),
}
"""What functions of asyncio make."""
