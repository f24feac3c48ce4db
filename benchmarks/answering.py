"""A server that costs as little as possible: it answers every GET with the same few bytes, with and without TLS."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from diagnostics.lab.server.certificates import issue

BODY = b'{"choices": [{"message": {"content": "echo"}}]}'
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(BODY), BODY)
END = b"\r\n\r\n"
BACKLOG = 1000


class _Answering(asyncio.Protocol):
    def __init__(self, open_connections: set[asyncio.Transport]) -> None:
        self._received = b""
        self._open = open_connections

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._open.add(transport)

    def connection_lost(self, _: Exception | None) -> None:
        self._open.discard(self._transport)

    def data_received(self, data: bytes) -> None:
        *requests, self._received = (self._received + data).split(END)
        self._transport.write(ANSWER * len(requests))


@contextmanager
def answering(folder: Path) -> Iterator[tuple[dict[str, str], Path]]:
    """Serves in a thread; yields the URLs by name of the case, and the authority's file.

    Args:
        folder: a private folder for the certificates.
    """
    context, authority = issue(folder)
    connections: set[asyncio.Transport] = set()
    with asyncio.Runner() as runner:
        loop = runner.get_loop()

        async def serve() -> list[asyncio.Server]:
            make = partial(_Answering, connections)
            return [await loop.create_server(make, "127.0.0.1", 0, ssl=tls, backlog=BACKLOG) for tls in (None, context)]

        servers = runner.run(serve())
        http, https = (server.sockets[0].getsockname()[1] for server in servers)
        thread = threading.Thread(target=loop.run_forever, daemon=True)
        thread.start()
        try:
            yield {"no TLS": f"http://127.0.0.1:{http}/", "TLS": f"https://127.0.0.1:{https}/"}, authority
        finally:
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
            for server in servers:
                server.close()
            for connection in connections:
                connection.abort()
