# ENVIRONMENTS: neighbours
# FINDINGS: none
"""A connection with a thread of its own is used on a second loop and closed on a third one: it works on any."""

import asyncio

import aiosqlite


async def connect():
    return await aiosqlite.connect(":memory:")


async def ask(connection):
    async with connection.execute("select 1") as cursor:
        return await cursor.fetchone()


connection = asyncio.run(connect())
print(asyncio.run(ask(connection)))
asyncio.run(connection.close())
