"""The state of clusters, in a database."""

import asyncio
import functools
import os

from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool


@functools.cache
def get_engine():
    url = os.environ["POSTGRESQL"].replace("postgresql://", "postgresql+asyncpg://")
    return create_async_engine(url, poolclass=NullPool)


async def get_status_async(name):
    async with get_engine().connect() as connection:
        row = await connection.execute(text("select cast(:name as text) || ' UP'"), {"name": name})
        return row.scalar()


def get_status(name):
    return asyncio.run(get_status_async(name))
