"""Operations of asyncio and of two drivers, in this interpreter: what the benchmark `libraries` measures.

Arguments:
    WAY        `plain`, or `instrumented`: as `python -m diagnostics run` instruments a program
    OPERATION  one of `OPERATIONS`
    ADDRESS    of the server that it needs; `-` where it needs none
    COUNT      how many
    JOURNAL    a file, for `instrumented`

Prints CPU microseconds of this process for each operation. A valgrind that counts instructions is switched on for the
operations alone.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Final

from benchmarks.http_client import count_instructions

TASKS: Final = 10
"""Tasks that use a driver at once, and the connections of its pool."""

WIDE: Final = 1000
"""Lists of as many objects: a million."""

Operation = Callable[[], Awaitable[Any]]

kept: list[Any] = []
"""What a program that leaves its connections open keeps; other modules have the objects in between."""


@contextlib.asynccontextmanager
async def queries(address: str) -> AsyncIterator[Operation]:
    """A query of asyncpg over a pool."""
    asyncpg = __import__("asyncpg")
    async with asyncpg.create_pool(address, min_size=TASKS, max_size=TASKS) as pool:
        yield lambda: pool.fetchval("select 1")


@contextlib.asynccontextmanager
async def commands(address: str) -> AsyncIterator[Operation]:
    """A command of Redis on an open connection."""
    redis = __import__("redis.asyncio").asyncio
    async with redis.Redis.from_url(address) as client:
        yield lambda: client.get("key")


@contextlib.asynccontextmanager
async def connections(_: str) -> AsyncIterator[Operation]:
    """A connection of asyncio's streams: opened, accepted and closed."""

    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async def connect() -> None:
        reader, writer = await asyncio.open_connection(*address)
        await reader.read()
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        address = server.sockets[0].getsockname()
        yield connect


@contextlib.asynccontextmanager
async def cancellations(_: str) -> AsyncIterator[Operation]:
    """A task that is cancelled while it waits."""

    async def cancel() -> None:
        task = asyncio.create_task(asyncio.sleep(3600))
        await asyncio.sleep(0)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    yield cancel


OPERATIONS: Final = {
    "asyncpg": (queries, TASKS),
    "redis": (commands, TASKS),
    "connection": (connections, 1),
    "cancellation": (cancellations, 1),
}
"""Each operation, and how many tasks do it at once."""


async def measured(operation: str, address: str, count: int) -> float:
    """CPU microseconds of each, once everything is warm."""
    build, tasks = OPERATIONS[operation]
    async with build(address) as run:
        left = tasks * 10

        async def work() -> None:
            nonlocal left
            while left > 0:
                left -= 1
                await run()

        await asyncio.gather(*(work() for _ in range(tasks)))
        gc.collect()
        gc.freeze()  # the collector then examines objects of the operations only
        left = count
        count_instructions("on")
        started = time.process_time()
        await asyncio.gather(*(work() for _ in range(tasks)))
        cpu = time.process_time() - started
        count_instructions("off")
    return 1e6 * cpu / count


def holders(count: int) -> float:
    """CPU microseconds for closing a loop with open connections, in a program of a million objects."""
    kept.append([[{"number": number} for number in range(WIDE)] for _ in range(WIDE)])

    async def serve(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.CancelledError):
            await reader.read()

    async def leave() -> None:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        address = server.sockets[0].getsockname()
        kept.extend([(server, await asyncio.open_connection(*address)) for _ in range(count)])

    with asyncio.Runner() as runner:
        runner.run(leave())
        started = time.process_time()
    return 1e6 * (time.process_time() - started)


def main(way: str, operation: str, address: str, count: str, journal: str) -> None:
    """Runs the operations; see the module's docstring."""
    if way == "instrumented":
        from diagnostics.sanitizer.process import instrumented  # noqa: PLC0415 - not for `plain`

        instrumented.begin(journal, "{}", ())
    if operation == "holder":
        print(holders(int(count)))
    else:
        print(asyncio.run(measured(operation, address, int(count))))


if __name__ == "__main__":
    main(*sys.argv[1:])
