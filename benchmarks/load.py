"""One loop under load, in this interpreter: what the benchmarks of the sanitizer measure.

Arguments:
    WAY       `plain`, `instrumented`, `debug` (asyncio's debug mode), `pyleak`, `tracemalloc`, or `footprint`
    PROVIDER  as in the table of providers
    URL       of a trial on the provider server
    REQUESTS  how many; CONCURRENCY  how many at once

Prints one JSON object: `cpu`, seconds of this process for the calls alone, and `answers`. With `footprint` it tells
what the sanitizer itself takes: `start`, seconds to import and install it, `connections` that were alive at once, the
bytes `held` then, and those `left` when they were gone.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import sys
import time
from typing import Any

import diagnostics
from diagnostics.experiment.program import ECHO, CallTarget
from diagnostics.experiment.provider import ClientOptions
from diagnostics.experiment.providers import PROVIDERS

WAYS = ("plain", "instrumented", "debug", "pyleak", "tracemalloc", "footprint")


class LoadGenerator:
    """The calls of one client."""

    def __init__(self, provider: str, url: str) -> None:
        self._provider, self._target = PROVIDERS[provider], CallTarget(url)
        self._client = self._provider.build(self._target, ClientOptions())

    async def ask(self, requests: int, concurrency: int) -> int:
        """Makes the calls; returns how many answers were right."""
        slots = asyncio.Semaphore(concurrency)

        async def call(question: str) -> bool:
            async with slots:
                return await self._provider.ask(self._client, self._target, question) == ECHO + question

        return sum(await asyncio.gather(*(call(str(number)) for number in range(requests))))

    async def close(self) -> None:
        """Closes the client."""
        await self._provider.close(self._client)


async def measured(provider: str, url: str, requests: int, concurrency: int) -> dict[str, float]:
    """CPU seconds and right answers, after one call that warms the client."""
    load = LoadGenerator(provider, url)
    await load.ask(1, 1)
    started = time.process_time()
    answers = await load.ask(requests, concurrency)
    cpu = time.process_time() - started
    await load.close()
    return {"cpu": cpu, "answers": answers}


async def leaks_looked_for(*arguments: Any) -> dict[str, float]:
    """The same under pyleak."""
    import pyleak

    async with pyleak.no_task_leaks(action="log", enable_creation_tracking=True):
        return await measured(*arguments)


async def footprint(provider: str, url: str, concurrency: int) -> dict[str, float]:
    """What the sanitizer holds while connections live, and when they are gone."""
    from diagnostics.sanitizer.capture.tracker import TRACKER

    async def opened() -> LoadGenerator:
        load = LoadGenerator(provider, url)
        for _ in range(3):  # a pool's connections are opened, and used again
            await load.ask(concurrency, concurrency)
        return load

    # A first, uncounted round: what is kept per call site does not grow with the number of calls.
    await (await opened()).close()
    before, load = held(), await opened()
    loop = TRACKER.running()
    assert loop is not None
    connections, during = len(loop.connections), held()
    await load.close()
    del load
    after = held()
    return {"connections": connections, "held": during - before, "left": after - before}


def held() -> int:
    """Bytes that code of the sanitizer has allocated and that are still there."""
    import tracemalloc

    gc.collect()
    ours = os.path.join(os.path.dirname(diagnostics.__file__), "sanitizer", "*")
    taken = tracemalloc.take_snapshot().filter_traces([tracemalloc.Filter(True, ours)])
    return sum(each.size for each in taken.statistics("filename"))


def main(arguments: list[str]) -> None:
    """Runs the load; see the module's docstring."""
    way, provider, url, requests, concurrency = arguments
    size = (int(requests), int(concurrency))
    if way in ("instrumented", "footprint"):
        started = time.process_time()
        from diagnostics import sanitizer

        sanitizer.install()
        start = time.process_time() - started
    if way in ("tracemalloc", "footprint"):
        import tracemalloc

        tracemalloc.start(25 if way == "tracemalloc" else 1)
    if way == "footprint":
        result = {"start": start, **asyncio.run(footprint(provider, url, size[1]))}
    else:
        play = leaks_looked_for if way == "pyleak" else measured
        result = asyncio.run(play(provider, url, *size), debug=way == "debug")
    print(json.dumps(result))


if __name__ == "__main__":
    main(sys.argv[1:])
