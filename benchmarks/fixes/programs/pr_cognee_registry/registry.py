"""One improvement of a session at a time."""

import asyncio

_locks = {}
_done = {}


def lock_of(session):
    if session not in _locks:
        _locks[session] = asyncio.Lock()
    return _locks[session]


async def improve(session):
    async with lock_of(session):
        await asyncio.sleep(0)
        _done[session] = _done.get(session, 0) + 1
        return _done[session]
