"""A parent prepares the pool, so that its children start fast."""

import asyncio
import os

import asyncpg

URL = os.environ["POSTGRESQL"]


async def ask(pool, number):
    return await asyncio.wait_for(pool.fetchval("select $1::int", number), 3)


def child(pool):
    asyncio.events._set_running_loop(None)
    try:
        print("child", asyncio.run(ask(pool, 2)), flush=True)
    except BaseException as error:
        print(f"child failed: {type(error).__name__}", flush=True)
    os._exit(0)


async def main():
    pool = await asyncpg.create_pool(URL, min_size=1, max_size=1)
    print("parent", await ask(pool, 1), flush=True)
    pid = os.fork()
    if pid == 0:
        child(pool)
    os.waitpid(pid, 0)
    print("parent", await ask(pool, 3))
    await pool.close()


asyncio.run(main())
