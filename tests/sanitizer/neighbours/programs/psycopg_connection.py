# SERVER: postgresql
# FINDINGS: client-left-open=leak
# TYPE: psycopg.AsyncConnection
# ADVICE: async with await psycopg.AsyncConnection.connect(
"""A connection of psycopg that no run closes."""

import asyncio
import os

import psycopg


async def ask():
    connection = await psycopg.AsyncConnection.connect(os.environ["POSTGRESQL"])  # CREATED
    return await (await connection.execute("select 1")).fetchone()


for _ in range(2):
    try:
        print(asyncio.run(ask()))
    except Exception as error:
        print(type(error).__name__)
