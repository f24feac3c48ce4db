# ENVIRONMENTS: neighbours
# FINDINGS: client-left-open=leak
# CLOSER: async with or await
# SAYS: 1 connection of aiosqlite.Connection
"""A connection with a thread of its own: it would work on any loop, and nobody closes it, so the thread goes on."""

import asyncio
import os

import aiosqlite


async def ask():
    connection = await aiosqlite.connect(":memory:")  # CREATED
    async with connection.execute("select 1") as cursor:
        print(await cursor.fetchone(), flush=True)
    return connection


kept = asyncio.run(ask())
os._exit(0)  # or the program would wait for the thread
