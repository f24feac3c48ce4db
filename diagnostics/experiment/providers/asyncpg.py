"""`asyncpg`: a statement over a pool, which the first call creates and every later one shares."""

from __future__ import annotations

import asyncio
from typing import Any, Final, NoReturn

from diagnostics.experiment.database import Database, address
from diagnostics.experiment.program import ECHO, CallTarget, Incompatible
from diagnostics.experiment.provider import ClientOptions, load

_TABLE: Final = """
    SELECT pg_advisory_xact_lock(0);
    CREATE UNLOGGED TABLE IF NOT EXISTS asked (trial text, connection int);
"""
_COUNT_AND_ECHO: Final = "INSERT INTO asked VALUES ($1, pg_backend_pid()) RETURNING $2::text"
_COUNTED: Final = "SELECT count(*) AS requests, count(DISTINCT connection) AS connections FROM asked WHERE trial = $1"


class LazyPool:
    """What programs keep at module level, where `create_pool` cannot be awaited yet."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.opening: asyncio.Future[Any] | None = None

    async def get(self) -> Any:
        """The pool; the first call opens it."""
        if self.opening is None:
            self.opening = asyncio.ensure_future(_open(self.url))
        return await self.opening


async def _open(url: str) -> Any:
    return await load("asyncpg").create_pool(url, min_size=1)


class Asyncpg(Database):
    """asyncpg, which is async only."""

    def build(self, target: CallTarget, options: ClientOptions) -> LazyPool:
        self.check(options)
        load(self.library.module)
        return LazyPool(address(target)[0])

    def build_sync(self, target: CallTarget, options: ClientOptions) -> NoReturn:
        raise Incompatible("asyncpg has no sync client")

    async def ask(self, client: LazyPool, target: CallTarget, question: str) -> str:
        pool = await client.get()
        return str(await pool.fetchval(_COUNT_AND_ECHO, address(target)[1], ECHO + question))

    def ask_sync(self, client: Any, target: CallTarget, question: str) -> NoReturn:
        raise Incompatible("asyncpg has no sync client")

    async def close(self, client: LazyPool) -> None:
        """Closes the pool if there is one."""
        if client.opening is not None:
            await (await client.opening).close()

    def counted(self, target: CallTarget) -> dict[str, int]:
        return asyncio.run(_counted(*address(target)))


async def _counted(url: str, trial: str) -> dict[str, int]:
    connection = await load("asyncpg").connect(url)
    try:
        await connection.execute(_TABLE)
        return dict(await connection.fetchrow(_COUNTED, trial))
    finally:
        await connection.close()


PROVIDER = Asyncpg("asyncpg")
