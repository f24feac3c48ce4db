"""One improvement of a session at a time."""

import asyncio
import weakref

_locks = weakref.WeakKeyDictionary()
_done = {}


def lock_of(session):
    locks = _locks.setdefault(asyncio.get_running_loop(), {})
    if session not in locks:
        locks[session] = asyncio.Lock()
    return locks[session]


async def improve(session):
    async with lock_of(session):
        await asyncio.sleep(0)
        _done[session] = _done.get(session, 0) + 1
        return _done[session]
