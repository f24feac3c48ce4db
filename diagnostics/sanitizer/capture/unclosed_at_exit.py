"""Clients that are still open when the process ends: on loops that nobody closed, or where any loop would do."""

from __future__ import annotations

from diagnostics.sanitizer.capture.facts import ClientRecord, ConnectionRecord, Fact, LoopRecord
from diagnostics.sanitizer.capture.leaks import is_open, left_open
from diagnostics.sanitizer.capture.tracker import TRACKER


def unclosed_at_exit() -> list[Fact]:
    """Returns a fact for each client with an open connection on an open loop, or with one that works on any loop."""
    found = []
    for loop in TRACKER.open_loops():
        for client, records in _by_client([each for each in list(loop.connections.values()) if is_open(each)]).items():
            found.append(Fact("unclosed-at-exit", "note", loop=loop, client=client, connection=records[0]))
    for loop in list(TRACKER.roaming):
        if loop.closed is not None:
            found += [left_open(loop, *each) for each in _by_client(_roaming(loop)).items()]
    return found


def _roaming(loop: LoopRecord) -> list[ConnectionRecord]:
    return [each for each in list(loop.connections.values()) if each.anywhere and is_open(each)] + loop.dropped


def _by_client(records: list[ConnectionRecord]) -> dict[ClientRecord | None, list[ConnectionRecord]]:
    own = [each for each in records if each.generation == TRACKER.generation]
    TRACKER.find_clients(own)
    by_client: dict[ClientRecord | None, list[ConnectionRecord]] = {}
    for each in own:
        by_client.setdefault(each.client, []).append(each)
    return by_client
