"""The pool that a call waits in, and the loops that hold its slots."""

from __future__ import annotations

from typing import Any, NamedTuple

from diagnostics.sanitizer.capture.connections import MARK
from diagnostics.sanitizer.capture.facts import CallRecord, LoopRecord
from diagnostics.sanitizer.capture.tracker import TRACKER


class Slots(NamedTuple):
    """The slots of a pool.

    Attributes:
        total: slots in use.
        dead: slots in use by connections of closed loops.
        foreign: an open loop, other than the call's own, that holds a slot.
        idle: whether no loop that holds a slot is running.
    """

    total: int
    dead: int
    foreign: LoopRecord | None
    idle: bool

    @property
    def lost(self) -> bool:
        """Whether no slot can ever be released."""
        return 0 < self.total == self.dead


def slots_of(call: CallRecord, waiting: Any = None) -> Slots:
    """Returns the slots of the pool that a call of httpx waits in.

    Args:
        call: the call.
        waiting: httpcore's request if it is known, which then waits on the running loop. A client may have several
            pools.
    """
    own = TRACKER.running() if waiting is not None else call.loop
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
    """Returns the loop that a connection of a pool belongs to, also while it is being opened."""
    owner: LoopRecord | None = getattr(connection, MARK, None)
    if owner is None:
        inner = getattr(getattr(connection, "_connection", None), MARK, None)
        # A tunnel that is not open yet has the connection to its proxy here, which is a connection of a pool too.
        owner = getattr(inner, "loop", inner)
    return owner


def _runs(record: LoopRecord) -> bool:
    loop = record.ref()
    return record.closed is None and loop is not None and loop.is_running()
