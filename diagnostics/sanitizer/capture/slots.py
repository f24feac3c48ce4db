"""The pools that a call may wait in, and whose loops hold their slots."""

from __future__ import annotations

from typing import Any, NamedTuple

from diagnostics.sanitizer.capture.facts import CallRecord, LoopRecord
from diagnostics.sanitizer.capture.recorder import MARK, RECORDER


class Slots(NamedTuple):
    """Who holds the slots of a pool.

    Attributes:
        total: how many are taken.
        dead: how many by connections of loops that are closed.
        foreign: a loop, not the call's own and not closed, that holds one; `None` if none does.
        idle: whether no loop that holds one is running.
    """

    total: int
    dead: int
    foreign: LoopRecord | None
    idle: bool

    @property
    def lost(self) -> bool:
        """Whether nothing will ever release one."""
        return 0 < self.total == self.dead


def slots_of(call: CallRecord, waiting: Any = None) -> Slots:
    """The pool that a call of httpx waits in.

    Args:
        call: the call.
        waiting: httpcore's request, where it is known; a client may have several pools. It waits on the running loop.
    """
    own = RECORDER.running() if waiting is not None else call.loop
    client = call.http.ref() if call.http is not None else None
    transports = [getattr(client, "_transport", None), *getattr(client, "_mounts", {}).values()]
    pools = [pool for each in transports if (pool := getattr(each, "_pool", None)) is not None]
    for pool in pools:
        if waiting is None or any(each is waiting for each in getattr(pool, "_requests", ())):
            return _slots(pool, own)
    return Slots(0, 0, None, idle=False)


def _slots(pool: Any, own: LoopRecord | None) -> Slots:
    connections = list(getattr(pool, "_connections", ()))
    owners = [owner_of(connection) for connection in connections]
    foreign = [owner for owner in owners if owner is not None and owner is not own and owner.closed is None]
    return Slots(
        total=len(connections),
        dead=sum(owner is not None and owner.closed is not None for owner in owners),
        foreign=foreign[0] if foreign else None,
        idle=all(owner is not None and not _runs(owner) for owner in owners),
    )


def owner_of(connection: Any) -> LoopRecord | None:
    """The loop that one of a pool's connections belongs to, also while it is still being opened."""
    owner: LoopRecord | None = getattr(connection, MARK, None)
    if owner is None:
        inner = getattr(getattr(connection, "_connection", None), MARK, None)
        # A tunnel's way to its proxy, until that has opened it, is one of a pool's connections itself.
        owner = getattr(inner, "loop", inner)
    return owner


def _runs(record: LoopRecord) -> bool:
    loop = record.ref()
    return record.closed is None and loop is not None and loop.is_running()
