# SERVER: postgresql
# FINDINGS: none
"""A connection of psycopg that each run closes."""

import asyncio
import os

import psycopg


async def ask():
    async with await psycopg.AsyncConnection.connect(os.environ["POSTGRESQL"]) as connection:
        return await (await connection.execute("select 1")).fetchone()


for _ in range(2):
    print(asyncio.run(ask()))
