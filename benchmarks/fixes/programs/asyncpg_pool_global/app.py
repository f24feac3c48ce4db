import asyncio
import os

import asyncpg

pool = None


async def total(number):
    global pool
    if pool is None:
        pool = await asyncpg.create_pool(os.environ["POSTGRESQL"], min_size=1, max_size=2)
    return await pool.fetchval("select $1::int * 10", number)


for number in range(3):
    try:
        print("total", asyncio.run(total(number)))
    except Exception as error:
        print(f"no total: {type(error).__name__}")
