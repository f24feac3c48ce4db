"""The server's life: sockets, certificates, a thread with its own loop, and an end that leaves nothing behind.

uvicorn speaks HTTP here, but its `Server` does not run: that one polls ten times a second, takes 0.2 s to stop, and
waits for clients to leave. A provider server must stop at once, also while a client hangs.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import errno
import logging
import os
import re
import shutil
import socket
import tempfile
import threading
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

from uvicorn.config import Config
from uvicorn.server import ServerState

from diagnostics.lab.server.app import Application
from diagnostics.lab.server.certificates import issue
from diagnostics.lab.server.faults import NO_FAULTS, Faults
from diagnostics.lab.server.ledger import Account, RequestLedger
from diagnostics.lab.server.protocol import Connection

if TYPE_CHECKING:
    import ssl

BACKLOG: Final = 1024
"""Connections that may wait to be accepted; a sweep opens 300 at once."""

PATIENCE: Final = 2.0
"""Seconds after which a stop no longer waits for connections that it has closed."""

_TRIAL_NAME: Final = re.compile(r"[A-Za-z0-9._~-]+")
_NO_IPV6: Final = {errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL, errno.EPROTONOSUPPORT, errno.ENOPROTOOPT}


class ServerError(Exception):
    """The server cannot start; the message says why and what to do."""


class ProviderServer:
    """An HTTPS server on loopback that speaks the APIs of OpenAI (and Groq), Anthropic, Gemini and Mistral.

    A context manager; every method may be called from any thread while it runs. Counts and plans survive a stop.

    Args:
        port: 0 for one that is free.
        faults: what every trial gets that has no plan of its own.

    Attributes:
        url: `https://localhost:PORT`, once started.
        ca_file: the PEM file of the authority that signed its certificate, for `SSL_CERT_FILE`; gone after the stop.

    Raises:
        ServerError: it cannot start, say because the port is taken.
    """

    url: str
    ca_file: Path

    def __init__(self, port: int = 0, faults: Faults = NO_FAULTS) -> None:
        self._port = port
        self._ledger: RequestLedger[Connection] = RequestLedger(faults)
        self._owner = os.getpid()
        self._folder: Path | None = None
        self._thread: threading.Thread | None = None
        self._stop: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = Future()

    def __enter__(self) -> Self:
        if self._folder is not None:
            raise ServerError("this provider server runs already; make another one")
        self._owner = os.getpid()
        sockets = listen(self._port)
        atexit.register(self.close)
        try:
            self._folder = Path(tempfile.mkdtemp(prefix="diagnostics-"))
            context, self.ca_file = issue(self._folder)
            self._certificate = self.ca_file.read_bytes()
            self._stop = Future()
            self._thread = threading.Thread(
                target=self._run, args=(sockets, context), name="provider-server", daemon=True
            )
            self._thread.start()
            self._stop.result()
        except BaseException as error:
            for listener in sockets:
                listener.close()
            self.close()
            if isinstance(error, OSError):
                raise ServerError(
                    f"cannot start the provider server: {error}; is the temporary folder writable?"
                ) from error
            raise
        self.url = f"https://localhost:{sockets[0].getsockname()[1]}"
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stops at once, open connections included, and removes the folder. Does nothing the second time."""
        if self._owner != os.getpid():
            return  # A forked child: neither the thread nor the folder is its own.
        atexit.unregister(self.close)
        thread, self._thread = self._thread, None
        if thread is not None and thread.ident is not None:
            with contextlib.suppress(Exception):  # It never came up: there is nothing to stop.
                loop, stop = self._stop.result()
                loop.call_soon_threadsafe(stop.set)
            thread.join()
        folder, self._folder = self._folder, None
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)

    def trial_url(self, trial: str) -> str:
        """The base under which a trial finds `openai/v1`, `anthropic`, `gemini` and `control`.

        Raises:
            ValueError: the name holds something that a path would have to quote.
        """
        if not _TRIAL_NAME.fullmatch(trial):
            raise ValueError(f"a trial's name is made of letters, digits and . _ ~ -, not {trial!r}")
        return f"{self.url}/t/{trial}"

    def lost(self) -> str | None:
        """What clients need and is no longer there, as a sentence; `None` while they can call this server."""
        try:
            certificate = self.ca_file.read_bytes()
        except OSError:
            certificate = b""
        if certificate != self._certificate:
            return f"{self.ca_file}, the certificate of the provider server, was removed while trials needed it"
        if self._thread is None or not self._thread.is_alive():
            return "the provider server ended while trials needed it"
        return None

    def plan(self, trial: str, faults: Faults) -> None:
        """Sets what goes wrong in a trial; the next request already sees it."""
        self._ledger.plan(trial, faults)

    def account(self, trial: str) -> Account:
        """What the server has seen of a trial so far; zeros for one it never heard of."""
        return self._ledger.account(trial)

    def forget(self, trial: str) -> Account:
        """The last account of a trial, which takes no memory from then on."""
        return self._ledger.forget(trial)

    def _run(self, sockets: list[socket.socket], context: ssl.SSLContext) -> None:
        try:
            # The selector loop whatever the program has installed, and no debug mode: nothing here is under test.
            with asyncio.Runner(debug=False, loop_factory=asyncio.SelectorEventLoop) as runner:
                runner.run(self._serve(sockets, context))
        except BaseException as error:
            if self._stop.done():
                raise
            self._stop.set_exception(error)

    async def _serve(self, sockets: list[socket.socket], context: ssl.SSLContext) -> None:
        loop = asyncio.get_running_loop()
        config = _configure(Application(self._ledger))
        state = ServerState()
        servers = [
            await loop.create_server(
                lambda: Connection(config, state, self._ledger), sock=listener, ssl=context, backlog=BACKLOG
            )
            for listener in sockets
        ]
        stop = asyncio.Event()
        self._stop.set_result((loop, stop))
        await stop.wait()
        for server in servers:
            server.close()
        # What still shakes hands is a task of the loop, which the runner cancels; what is open ends here.
        connections: list[Connection] = [each for each in state.connections if isinstance(each, Connection)]
        for connection in connections:
            connection.hang_up()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                for connection in connections:
                    await connection.gone.wait()


def listen(port: int) -> list[socket.socket]:
    """Binds 127.0.0.1 and, where there is one, ::1 to the same port, so that either meaning of localhost is served.

    Raises:
        ServerError: the port is taken, not allowed or no port at all.
    """
    for _ in range(32):
        try:
            first = _bind(socket.AF_INET, "127.0.0.1", port)
        except (OSError, OverflowError) as error:
            raise ServerError(_why(port, error)) from error
        try:
            return [first, _bind(socket.AF_INET6, "::1", first.getsockname()[1])]
        except OSError as error:
            if error.errno in _NO_IPV6:
                return [first]
            first.close()
            if port:
                raise ServerError(_why(port, error)) from error
            # Free on one family only: another one is tried.
    raise ServerError("no port is free on both 127.0.0.1 and ::1; close some programs and try again")


def _why(port: int, error: Exception) -> str:
    if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
        return f"port {port} is taken; choose another one, or 0 for any that is free"
    return f"cannot listen on port {port}: {error}; choose another one, or 0 for any that is free"


def _bind(family: socket.AddressFamily, host: str, port: int) -> socket.socket:
    # The protocol is spelt out because asyncio sets TCP_NODELAY only on sockets that say they are TCP, and accepted
    # ones inherit it from here. Without it an answer of two writes waits 40 ms for the client's delayed ACK.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.bind((host, port))
    except BaseException:
        listener.close()
        raise
    return listener


def _configure(application: Application) -> Config:
    # Without a handler of its own, logging would print uvicorn's warnings about clients that misbehave on purpose.
    # asyncio does so for answers to clients that have gone, which is what the trials are about.
    for name in ("uvicorn", "asyncio"):
        logging.getLogger(name).addHandler(logging.NullHandler())
    config = Config(
        application,
        http=Connection,
        ws="none",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        log_level=logging.CRITICAL,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=False,
    )
    config.load()
    return config
