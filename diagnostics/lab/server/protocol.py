"""One TCP connection, as uvicorn's httptools protocol sees it, with the means to break it.

The connection puts itself into the ASGI scope (`scope["state"]["connection"]`), so that the application can tell
connections apart and end them in the ways a real server or a middlebox does.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from typing import TYPE_CHECKING

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

if TYPE_CHECKING:
    from uvicorn.config import Config
    from uvicorn.server import ServerState

    from diagnostics.lab.server.ledger import RequestLedger


class Connection(HttpToolsProtocol):
    """A connection with an identity.

    Attributes:
        gone: set when the connection is lost, whichever side ended it.
        keepalive_expiry: seconds of idleness after which the server closes it; None: never.
    """

    def __init__(self, config: Config, state: ServerState, ledger: RequestLedger[Connection]) -> None:
        super().__init__(config, state, {"connection": self})
        self.ledger = ledger
        self.gone = asyncio.Event()
        self.keepalive_expiry: float | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Keeps the socket (asyncio's `TransportSocket`), which a closed transport no longer gives."""
        super().connection_made(transport)
        self._socket: socket.socket = transport.get_extra_info("socket")

    @property
    def idle(self) -> bool:
        """Whether no request is being answered."""
        return self.cycle is None or self.cycle.response_complete

    def connection_lost(self, exc: Exception | None) -> None:
        """Notifies the ledger and sets `gone`."""
        super().connection_lost(exc)
        # uvicorn keeps its timer, and with it the connection, after an error.
        self._unset_keepalive_if_required()
        self.ledger.lost(self)
        self.gone.set()

    def on_response_complete(self) -> None:
        """Arms the planned keep-alive timer instead of uvicorn's, which cannot be switched off."""
        super().on_response_complete()
        if self.timeout_keep_alive_task is not None:
            self._unset_keepalive_if_required()
            if self.keepalive_expiry is not None:
                self.timeout_keep_alive_task = self.loop.call_later(self.keepalive_expiry, self.hang_up)

    def hang_up(self) -> None:
        """Closes the connection as servers do: close_notify, FIN, and no waiting for the other side's goodbye.

        asyncio's `close()` alone waits up to 30 seconds for that goodbye, and a client that does not read its idle
        connections never sends it; the FIN would be missing all that time.
        """
        # A TLS transport that is closed a second time forgets its protocol, and abort() then does nothing.
        if not self.transport.is_closing():
            self.transport.close()
        self.transport.abort()

    def reset(self) -> None:
        """Closes the connection with a RST: the other side gets an error, not an end."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()

    def half_close(self) -> None:
        """Ends the sending side, close_notify and FIN, and leaves the other one open until something comes in.

        A bare FIN would not do: OpenSSL answers it with a fatal alert, which ends both directions.
        """
        if not self.transport.is_closing():
            self.transport.close()
        with contextlib.suppress(OSError):  # it may be gone already
            self._socket.shutdown(socket.SHUT_WR)

    async def pause(self, seconds: float) -> bool:
        """Waits, but not for a client that has left; returns whether the connection is still there."""
        if seconds > 0:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self.gone.wait()
        return not self.gone.is_set()
