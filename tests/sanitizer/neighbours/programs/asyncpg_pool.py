# SERVER: postgresql
# FINDINGS: cross-loop-use=error client-left-open=leak
# TYPE: asyncpg.Pool
# ADVICE: async with asyncpg.create_pool(
"""A pool of asyncpg that no run closes."""

import asyncio
import os

import asyncpg

pool = None


async def ask():
    global pool
    if pool is None:
        pool = await asyncpg.create_pool(os.environ["POSTGRESQL"], min_size=1, max_size=1)  # CREATED
    return await pool.fetchval("select 1")


for _ in range(2):
    try:
        print(asyncio.run(ask()))
    except Exception as error:
        print(type(error).__name__)
