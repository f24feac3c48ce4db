"""One loop under load, in this interpreter: what the benchmark of the watcher measures.

Arguments:
    WAY       `plain`, `watched`, `debug` (asyncio's debug mode) or `tracemalloc`
    PROVIDER  as in the table of providers
    URL       of a trial on the provider server
    REQUESTS  how many; CONCURRENCY  how many at once

Prints one JSON object: `cpu`, seconds of this process for the calls alone, and `answers`.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time

from diagnostics.experiment.program import ECHO, Target
from diagnostics.experiment.provider import ClientOptions
from diagnostics.experiment.providers import PROVIDERS

WAYS = ("plain", "watched", "debug", "tracemalloc")


async def load(provider_name: str, url: str, requests: int, concurrency: int) -> tuple[float, int]:
    """Makes the calls with one client after one call that warms it; returns CPU seconds and right answers."""
    provider, target = PROVIDERS[provider_name], Target(url)
    client = provider.build(target, ClientOptions())
    slots = asyncio.Semaphore(concurrency)

    async def call(question: str) -> bool:
        async with slots:
            return await provider.ask(client, target, question) == ECHO + question

    await call("warm")
    started = time.process_time()
    right = await asyncio.gather(*(call(str(number)) for number in range(requests)))
    cpu = time.process_time() - started
    await provider.close(client)
    return cpu, sum(right)


def main(arguments: list[str]) -> None:
    """Runs the load; see the module's docstring."""
    way, provider, url, requests, concurrency = arguments
    if way == "watched":
        from diagnostics import sanitizer

        sanitizer.install()
    elif way == "tracemalloc":
        import tracemalloc

        tracemalloc.start(25)
    cpu, answers = asyncio.run(load(provider, url, int(requests), int(concurrency)), debug=way == "debug")
    print(json.dumps({"cpu": cpu, "answers": answers}))


if __name__ == "__main__":
    main(sys.argv[1:])
