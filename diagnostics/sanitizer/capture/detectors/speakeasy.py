"""SDKs that Speakeasy generates: their clients and their calls.

The parts of a client (`client.chat`) make the calls. Each of them knows the part it belongs to, up to the client.
"""

from __future__ import annotations

from typing import Any

from diagnostics.model.libraries import generated_by
from diagnostics.sanitizer.capture.calls import calls
from diagnostics.sanitizer.capture.facts import ClientRecord
from diagnostics.sanitizer.capture.patching import Patch, built
from diagnostics.sanitizer.capture.tracker import TRACKER


def created(client: Any) -> None:
    """A client, or one of a subclass, is created."""
    cls = type(client)
    package = next(each.__module__.rpartition(".")[0] for each in reversed(cls.__mro__) if each.__name__ == "BaseSDK")
    TRACKER.client_created(client, f"{package}.{cls.__name__}", package, sdk=True)


def client_of(part: Any) -> ClientRecord | None:
    """The client that a part belongs to."""
    while (record := TRACKER.client(part)) is None:
        above = getattr(part, "parent_ref", None)
        if above is None or above is part:
            return None
        part = above
    return record


PATCHES = [
    patch
    for row in generated_by("speakeasy")
    for patch in (
        Patch(f"{row.module}.sdk", row.client, "__new__", built(created)),
        Patch(f"{row.module}.basesdk", "BaseSDK", "do_request_async", calls(client_of)),
    )
]
