"""Requests that are sent again: how one is known where the SDK that sends it is not."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

from diagnostics.sanitizer.capture.facts import CallRecord, ConnectionRecord, Fact, LoopRecord
from diagnostics.sanitizer.capture.sites import capture

_REQUEST_IDS = (b"idempotency-key", b"x-idempotency-key", b"x-ms-client-request-id", b"x-client-request-id")
"""Headers with a value that an SDK makes for a call and sends again with each attempt."""

_ATTEMPTS = (b"x-stainless-retry-count",)
"""Headers that count the attempts of a call, from 0."""

MAX_LOST = 100


class LostRequests:
    """Requests that went out on a connection of another loop.

    Attributes:
        any: whether there was one.
    """

    def __init__(self) -> None:
        # By what identifies a repetition.
        self._connections: dict[Any, ConnectionRecord] = {}
        self.any = False

    def add(self, request: Any, headers: Any, connection: ConnectionRecord) -> None:
        """Remembers a request; a few of many are enough for a finding."""
        if len(self._connections) < MAX_LOST:
            self._connections.update(dict.fromkeys(_identities(request, headers), connection))
        self.any = True

    def repetition(self, call: CallRecord, request: Any, headers: Any, current: LoopRecord | None) -> Fact | None:
        """Returns the fact that the same request of this call went out before, on a foreign connection, if it did."""
        connection = self._connection_of(call, request, headers)
        if connection is None:
            return None
        call.resent = True
        return Fact(
            "duplicate-request",
            "error",
            loop=connection.loop,
            client=connection.client,
            connection=connection,
            call=call,
            current=current,
            stack=capture(sys._getframe(1)),
            operation="request",
            trigger="call",
            detail={"in_call": call.foreign is not None},
        )

    def _connection_of(self, call: CallRecord, request: Any, headers: Any) -> ConnectionRecord | None:
        if call.resent:
            return None
        if call.foreign is not None:
            return call.foreign[1] if call.foreign[0] == request else None
        # The SDK may be one that nobody has listed: then each of its attempts is a call of the HTTP client, and only
        # the request itself says that it is a repetition.
        known = self._connections
        return next((known[key] for key in _repetitions(request, headers) if key in known), None)


def _identities(request: Any, headers: Any) -> Iterator[Any]:
    """Yields what a repetition of a request can be known by."""
    yield request
    yield from ((request, value) for name, value in headers if name.lower() in _REQUEST_IDS)


def _repetitions(request: Any, headers: Any) -> Iterator[Any]:
    """Yields the same for a request that says that it is a repetition, or that may be one."""
    for name, value in headers:
        if name.lower() in _ATTEMPTS and value not in (b"", b"0"):
            yield request
        elif name.lower() in _REQUEST_IDS:
            yield request, value
