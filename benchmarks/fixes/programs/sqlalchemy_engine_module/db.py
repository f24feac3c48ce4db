"""The database of the application."""

import os

from sqlalchemy import text
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine

url = os.environ["POSTGRESQL"].replace("postgresql://", "postgresql+asyncpg://")
engine = create_async_engine(url)
Session = async_sessionmaker(engine)


async def scalar(statement, value):
    async with Session() as session:
        return (await session.execute(text(statement), {"value": value})).scalar()
