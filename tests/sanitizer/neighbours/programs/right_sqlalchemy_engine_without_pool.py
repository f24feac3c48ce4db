# SERVER: postgresql
# FINDINGS: none
"""An engine of SQLAlchemy that keeps no connection serves several runs."""

import asyncio
import os

from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

engine = create_async_engine(os.environ["POSTGRESQL"].replace("postgresql:", "postgresql+asyncpg:"), poolclass=NullPool)


async def ask():
    async with engine.connect() as connection:
        return (await connection.execute(text("select 1"))).scalar()


for _ in range(2):
    print(asyncio.run(ask()))
