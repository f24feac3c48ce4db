import asyncio
import os

import psycopg


async def rows(count):
    async with await psycopg.AsyncConnection.connect(os.environ["POSTGRESQL"]) as connection:
        cursor = await connection.execute("select generate_series(1, %s::int)", (count,))
        return len(await cursor.fetchall())


for count in (3, 5):
    print(asyncio.run(rows(count)), "rows")
