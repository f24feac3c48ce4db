"""Clients that are still open when the process ends, on loops that nobody closed."""

from __future__ import annotations

from diagnostics.sanitizer.capture.facts import ClientRecord, ConnectionRecord, Fact
from diagnostics.sanitizer.capture.leaks import is_open
from diagnostics.sanitizer.capture.tracker import TRACKER


def unclosed_at_exit() -> list[Fact]:
    """Returns a fact for each client with an open connection on an open loop."""
    found = []
    for loop in TRACKER.open_loops():
        by_client: dict[ClientRecord | None, ConnectionRecord] = {}
        for record in list(loop.connections.values()):
            if is_open(record) and record.generation == TRACKER.generation:
                by_client.setdefault(record.client, record)
        for client, record in by_client.items():
            found.append(Fact("unclosed-at-exit", "note", loop=loop, client=client, connection=record))
    return found
