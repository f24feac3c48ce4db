"""A parent prepares the pool, so that its children start fast."""

import asyncio
import os

import asyncpg

URL = os.environ["POSTGRESQL"]


async def ask(pool, number):
    return await asyncio.wait_for(pool.fetchval("select $1::int", number), 3)


async def child():
    async with asyncpg.create_pool(URL, min_size=1, max_size=1) as pool:
        print("child", await ask(pool, 2), flush=True)


async def parent(*numbers):
    async with asyncpg.create_pool(URL, min_size=1, max_size=1) as pool:
        for number in numbers:
            print("parent", await ask(pool, number), flush=True)


asyncio.run(parent(1))
pid = os.fork()
if pid == 0:
    asyncio.run(child())
    os._exit(0)
os.waitpid(pid, 0)
asyncio.run(parent(3))
