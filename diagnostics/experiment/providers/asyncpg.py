"""`asyncpg`: a statement over a pool, which the first call creates and every later one shares."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
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

    def __init__(self, opens: Callable[[], Awaitable[Any]]) -> None:
        self._opens = opens
        # Not a future of asyncio: other loops may wait for it too.
        self.opening: Future[Any] | None = None
        self._lock = threading.Lock()

    async def get(self) -> Any:
        """The pool; the first call opens it."""
        with self._lock:
            first, self.opening = self.opening is None, self.opening or Future()
        if first:
            try:
                self.opening.set_result(await self._opens())
            except BaseException as error:
                self.opening.set_exception(error)
                raise
        return await asyncio.wrap_future(self.opening)


class Asyncpg(Database):
    """asyncpg, which is async only."""

    def build(self, target: CallTarget, options: ClientOptions) -> LazyPool:
        self.check(options)
        create = load(self.library.module).create_pool
        return LazyPool(lambda: create(address(target)[0], min_size=1))

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
            await (await client.get()).close()

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
