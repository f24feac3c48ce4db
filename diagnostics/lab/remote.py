"""Remote execution: the address of an executor as a person writes it, and the executor itself."""

from __future__ import annotations

import importlib.util
import ipaddress
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final
from urllib.parse import urlsplit

from diagnostics.extras import install
from diagnostics.lab.execution.work import ExecutorUnavailable
from diagnostics.lab.run import RemoteExecution

SCHEMES: Final = {"dask": "tcp", "dask+tls": "tls"}
"""The scheme of an address here, and dask's own."""


class AddressError(ValueError):
    """An executor's address is invalid. The message is one line and shows the valid form."""


def scheduler_address(text: str) -> tuple[str, bool]:
    """Returns the address of a scheduler as dask writes it, and whether others on the network can read the traffic.

    Args:
        text: `dask://HOST:PORT`, or `dask+tls://HOST:PORT`, for which dask's own configuration names the certificates.

    Raises:
        AddressError: the text is neither.
    """
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    if not host or not port or parts.scheme not in SCHEMES or parts.path or parts.query:
        raise AddressError(f"invalid executor address {text!r}; write dask://HOST:PORT or dask+tls://HOST:PORT")
    try:
        loopback = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        loopback = False
    shown = f"[{host}]" if ":" in host else host
    return f"{SCHEMES[parts.scheme]}://{shown}:{port}", parts.scheme == "dask" and not loopback


def needs_dask() -> None:
    """Checks that dask is installed.

    Raises:
        ExecutorUnavailable: it is not.
    """
    if importlib.util.find_spec("distributed") is None:
        raise ExecutorUnavailable(f"dask is not installed: {install('lab,dask')}")


@contextmanager
def cluster(address: str, **options: float) -> Iterator[RemoteExecution]:
    """Connects to the workers of a scheduler for as long as the block lasts.

    Args:
        address: see `scheduler_address`.
        options: of `Cluster`.

    Raises:
        ExecutorUnavailable: no scheduler answers, or dask is not installed.
    """
    needs_dask()
    from diagnostics.lab.cluster import Cluster  # noqa: PLC0415 - an extra that takes a second to import

    with Cluster(address, **options) as executor:
        yield RemoteExecution(executor, executor.width)
