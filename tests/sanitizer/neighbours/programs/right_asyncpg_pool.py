# SERVER: postgresql
# FINDINGS: none
"""A pool of asyncpg that each run closes."""

import asyncio
import os

import asyncpg


async def ask():
    async with asyncpg.create_pool(os.environ["POSTGRESQL"], min_size=1, max_size=1) as pool:
        return await pool.fetchval("select 1")


for _ in range(2):
    print(asyncio.run(ask()))
