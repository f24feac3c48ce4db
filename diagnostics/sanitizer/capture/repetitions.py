"""Requests that are sent again: how one is known where the SDK that sends it is not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

_REQUEST_IDS = (b"idempotency-key", b"x-idempotency-key", b"x-ms-client-request-id", b"x-client-request-id")
"""Headers with a value that an SDK makes for a call and sends again with each attempt."""

_ATTEMPTS = (b"x-stainless-retry-count",)
"""Headers that count the attempts of a call, from 0."""


def identities(request: Any, headers: Any) -> Iterator[Any]:
    """Yields what a repetition of a request can be known by."""
    yield request
    yield from ((request, value) for name, value in headers if name.lower() in _REQUEST_IDS)


def repetitions(request: Any, headers: Any) -> Iterator[Any]:
    """Yields the same for a request that says that it is a repetition, or that may be one."""
    for name, value in headers:
        if name.lower() in _ATTEMPTS and value not in (b"", b"0"):
            yield request
        elif name.lower() in _REQUEST_IDS:
            yield request, value
