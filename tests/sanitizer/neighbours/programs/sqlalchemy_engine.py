# SERVER: postgresql
# FINDINGS: cross-loop-use=error client-left-open=leak
# TYPE: sqlalchemy.ext.asyncio.AsyncEngine
# ADVICE: await engine.dispose()
"""An engine of SQLAlchemy that no run closes."""

import asyncio
import os

from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

URL = os.environ["POSTGRESQL"].replace("postgresql:", "postgresql+asyncpg:")
engine = create_async_engine(URL)  # CREATED


async def ask():
    async with engine.connect() as connection:
        return (await connection.execute(text("select 1"))).scalar()


for _ in range(2):
    try:
        print(asyncio.run(ask()))
    except Exception as error:
        print(type(error).__name__)
