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
        here = [each for each in list(loop.connections.values()) if each.generation == TRACKER.generation]
        left = [each for each in here if is_open(each)]
        TRACKER.find_clients(left)
        for record in left:
            by_client.setdefault(record.client, record)
        for client, record in by_client.items():
            found.append(Fact("unclosed-at-exit", "note", loop=loop, client=client, connection=record))
    return found
