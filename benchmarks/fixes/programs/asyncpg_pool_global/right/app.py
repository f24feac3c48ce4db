import asyncio
import os

import asyncpg


async def total(number):
    async with asyncpg.create_pool(os.environ["POSTGRESQL"], min_size=1, max_size=2) as pool:
        return await pool.fetchval("select $1::int * 10", number)


for number in range(3):
    try:
        print("total", asyncio.run(total(number)))
    except Exception as error:
        print(f"no total: {type(error).__name__}")
