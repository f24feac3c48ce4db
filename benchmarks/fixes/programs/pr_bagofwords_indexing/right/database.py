import os

from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

engine = create_async_engine(
    os.environ["POSTGRESQL"].replace("postgresql://", "postgresql+asyncpg://"), poolclass=NullPool
)


async def fetch(number):
    async with engine.connect() as connection:
        return (await connection.execute(text("select cast(:n as int)"), {"n": number})).scalar()
