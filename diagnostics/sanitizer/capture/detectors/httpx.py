"""httpx and httpx2: clients, the calls that connections are opened for, and responses."""

from __future__ import annotations

from typing import Any

from diagnostics.model.libraries import modules
from diagnostics.sanitizer.capture.calls import calls
from diagnostics.sanitizer.capture.patching import Patch, before, built
from diagnostics.sanitizer.capture.streams import reading, response_closed
from diagnostics.sanitizer.capture.tracker import TRACKER


def client_created(client: Any) -> None:
    """An async client, or one of a subclass, is created."""
    cls = type(client)
    library = next(each.__module__.split(".")[0] for each in cls.__mro__ if each.__name__ == "AsyncClient")
    name = (
        f"{library}.AsyncClient" if cls.__name__.startswith("_") else f"{cls.__module__.split('.')[0]}.{cls.__name__}"
    )
    TRACKER.client_created(client, name, library, sdk=False)


def client_closing(client: Any) -> None:
    """A client's `aclose` is called."""
    TRACKER.instruments.call("client_closing", client)


PATCHES = [
    patch
    for library in modules("client")
    for patch in (
        Patch(f"{library}._client", "AsyncClient", "__new__", built(client_created)),
        Patch(f"{library}._client", "AsyncClient", "aclose", before(client_closing), optional=True),
        # Not `send`: its coroutine may be created in one task and awaited in another; this one is not.
        Patch(f"{library}._client", "AsyncClient", "_send_handling_auth", calls(TRACKER.client)),
        Patch(f"{library}._models", "Response", "aread", before(reading)),
        Patch(f"{library}._models", "Response", "aclose", before(response_closed)),
    )
]
