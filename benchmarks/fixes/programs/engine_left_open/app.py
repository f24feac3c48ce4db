import asyncio
import os

from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine


async def main():
    engine = create_async_engine(os.environ["POSTGRESQL"].replace("postgresql://", "postgresql+asyncpg://"))
    async with engine.begin() as connection:
        total = (await connection.execute(text("select sum(n) from generate_series(1, 3) as n"))).scalar()
    print("sum", total)


asyncio.run(main())
