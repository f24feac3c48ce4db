"""httpx and httpx2: clients, by their class object, the request that a connection is opened for, and responses."""

from __future__ import annotations

from typing import Any

from diagnostics.sanitizer.capture.calls import calls
from diagnostics.sanitizer.capture.patching import Patch, before, built
from diagnostics.sanitizer.capture.recorder import RECORDER
from diagnostics.sanitizer.capture.streams import reading, response_closed


def client_built(client: Any) -> None:
    """An async client, or one of a class derived from it, is made."""
    cls = type(client)
    library = next(each.__module__.split(".")[0] for each in cls.__mro__ if each.__name__ == "AsyncClient")
    name = (
        f"{library}.AsyncClient" if cls.__name__.startswith("_") else f"{cls.__module__.split('.')[0]}.{cls.__name__}"
    )
    RECORDER.client_built(client, name, library, sdk=False)


PATCHES = [
    patch
    for library in ("httpx", "httpx2")
    for patch in (
        Patch(f"{library}._client", "AsyncClient", "__new__", built(client_built)),
        # Not `send`: its coroutine may be made in one task and awaited in another, this one's is made where it runs.
        Patch(f"{library}._client", "AsyncClient", "_send_handling_auth", calls(RECORDER.client)),
        Patch(f"{library}._models", "Response", "aread", before(reading)),
        Patch(f"{library}._models", "Response", "aclose", before(response_closed)),
    )
]
