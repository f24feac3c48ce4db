"""Where a run is played when not here: an executor's address as a person writes it, and the executor itself."""

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
"""How an executor is written, and what dask calls that."""


class AddressError(ValueError):
    """An executor's address is invalid. The message is one line and shows the valid form."""


def scheduler_address(text: str) -> tuple[str, bool]:
    """The address of a scheduler as dask writes it, and whether what goes there can be read on the way.

    Args:
        text: `dask://HOST:PORT`, or `dask+tls://HOST:PORT`, for which dask's own configuration names the certificates.

    Raises:
        AddressError: it is neither.
    """
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    if not host or not port or parts.scheme not in SCHEMES or parts.path or parts.query:
        raise AddressError(f"{text!r} is no executor; write dask://HOST:PORT or dask+tls://HOST:PORT")
    try:
        loopback = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        loopback = False
    shown = f"[{host}]" if ":" in host else host
    return f"{SCHEMES[parts.scheme]}://{shown}:{port}", parts.scheme == "dask" and not loopback


def needs_dask() -> None:
    """Makes sure that dask is there.

    Raises:
        ExecutorUnavailable: it is not.
    """
    if importlib.util.find_spec("distributed") is None:
        raise ExecutorUnavailable(f"dask is not installed: {install('lab,dask')}")


@contextmanager
def cluster(address: str, **options: float) -> Iterator[RemoteExecution]:
    """Those who carry out orders for a scheduler, for as long as the block lasts.

    Args:
        address: as `scheduler_address` gives it.
        options: of `Cluster`.

    Raises:
        ExecutorUnavailable: no scheduler answers, or dask is not installed.
    """
    needs_dask()
    from diagnostics.lab.cluster import Cluster  # noqa: PLC0415 - an extra, and a second to import

    with Cluster(address, **options) as executor:
        yield RemoteExecution(executor, executor.width)
