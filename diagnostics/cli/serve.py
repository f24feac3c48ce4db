"""`python -m diagnostics serve`: runs the provider server in the foreground, for any client."""

from __future__ import annotations

import json
import os
import shlex
import signal
import threading
from pathlib import Path
from typing import Annotated, Any

import typer

from diagnostics.cli import options as of
from diagnostics.lab.server import Faults, ProviderServer, ServerError
from diagnostics.model.errors import CommandError, InvalidUsage
from diagnostics.model.libraries import base_urls, key_variables


def serve(
    *,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Listen on this loopback port; 0 picks a free one.")] = 0,
    json_file: Annotated[Path | None, of.JSON] = None,
    latency: Annotated[float, typer.Option(min=0, help="Wait this many seconds before each answer.")] = 0.0,
    status: Annotated[str, typer.Option(help="Answer first with these statuses, such as 429,500, then with 200.")] = "",
    retry_after: Annotated[float, typer.Option(min=0, help="Send them with a Retry-After of N seconds.")] = 0.0,
    keepalive_expiry: Annotated[
        float | None, typer.Option(min=0, help="Close a connection after this many idle seconds.")
    ] = None,
    reset: Annotated[int, typer.Option(min=0, help="Answer this many requests with a TCP RST first.")] = 0,
    half_close: Annotated[int, typer.Option(min=0, help="Shut down the sending side after this many answers.")] = 0,
    slow_body: Annotated[float, typer.Option(min=0, help="Wait this many seconds between two chunks of a body.")] = 0.0,
    cut_stream_after: Annotated[
        int | None, typer.Option(min=0, help="Close the connection after this many chunks of a stream.")
    ] = None,
) -> None:
    """Serve the APIs of OpenAI, Anthropic and Gemini over HTTPS on loopback until Ctrl-C.

    The server echoes each question, except for the models jet-classifier and
    storyteller. It counts requests under /t/NAME/ separately (see
    GET /t/NAME/control/account), and faults start anew for each NAME.

    Example: python -m diagnostics serve --port 8443 --status 429,500 --retry-after 1

    Exit status: 0 stopped by Ctrl-C or a signal; 1 it cannot start;
    2 invalid usage.
    """
    try:
        faults = Faults(
            latency=latency,
            status=_statuses(status),
            retry_after=retry_after,
            keepalive_expiry=keepalive_expiry,
            reset=reset,
            half_close=half_close,
            slow_body=slow_body,
            cut_stream_after=cut_stream_after,
        )
    except ValueError as error:
        raise InvalidUsage(str(error)) from error
    stopped = threading.Event()
    # Before the start, so that there is no moment in which a signal would leave the folder behind.
    before = {number: signal.signal(number, lambda *_: stopped.set()) for number in _signals()}
    try:
        with ProviderServer(port, faults) as server:
            if json_file is not None:
                _write_ready(server, json_file)
            if json_file != of.STANDARD_OUTPUT:
                typer.echo(_welcome(server))
            stopped.wait()
    except (ServerError, OSError) as error:
        raise CommandError(str(error)) from error
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _statuses(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.split(",") if part.strip())
    except ValueError:
        raise ValueError(f"--status takes numbers with commas between them, such as 429,500, not {text!r}") from None


def _signals() -> list[Any]:
    # A closed terminal (SIGHUP) must not leave the folder behind either; Windows has no such signal.
    return [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


def _write_ready(server: ProviderServer, file: Path) -> None:
    ready = json.dumps({"url": server.url, "ca_file": str(server.ca_file), "pid": os.getpid()})
    if file == of.STANDARD_OUTPUT:
        typer.echo(ready)
    else:
        file.write_text(ready + "\n", encoding="utf-8")


def _welcome(server: ProviderServer) -> str:
    bases = base_urls(server.url)
    width = max(map(len, bases))
    lines = [f"{name:{width}}  {address}" for name, address in bases.items()]
    exports = {
        "SSL_CERT_FILE": shlex.quote(str(server.ca_file)),
        **bases,
        **dict.fromkeys(key_variables(), "none"),
    }
    return "\n".join(
        [
            f"The provider server runs at {server.url}; Ctrl-C stops it.",
            f"Its certificates are signed by {server.ca_file}.",
            "",
            *lines,
            "",
            "Paste this into the shell of the program that is to use it:",
            "",
            "export " + " ".join(f"{name}={value}" for name, value in exports.items()),
        ]
    )
