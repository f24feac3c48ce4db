# SERVER: postgresql
# FINDINGS: none
"""An engine of SQLAlchemy that each run closes."""

import asyncio
import os

from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

URL = os.environ["POSTGRESQL"].replace("postgresql:", "postgresql+asyncpg:")
engine = create_async_engine(URL)


async def ask():
    try:
        async with engine.connect() as connection:
            return (await connection.execute(text("select 1"))).scalar()
    finally:
        await engine.dispose()


for _ in range(2):
    print(asyncio.run(ask()))
