"""Requests of one HTTP client, in this interpreter: what the benchmark `requests` measures.

Arguments:
    WAY       `plain`, or `instrumented`: as `python -m diagnostics run` instruments a program
    LIBRARY   `httpx`, `httpx2` or `aiohttp`
    URL       answers every GET; over TLS, `SSL_CERT_FILE` names the authority
    REQUESTS  how many; CONCURRENCY  how many at once
    JOURNAL   a file, for `instrumented`; a valgrind that counts instructions is switched on for the requests alone

Prints one JSON object: `cpu`, microseconds of this process for each request; `resident`, KiB at the end; and
`journal`, bytes in the file.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import resource
import ssl
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any


def opened(library: str, url: str) -> tuple[Any, Callable[[], Awaitable[Any]], Callable[[], Awaitable[None]]]:
    """Returns a client, a function that makes a request, and one that closes the client."""
    context = ssl.create_default_context(cafile=os.environ["SSL_CERT_FILE"])
    if library == "aiohttp":
        aiohttp = __import__("aiohttp")
        session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context))

        async def get() -> bytes:
            async with session.get(url) as response:
                return bytes(await response.read())

        return session, get, session.close
    client = __import__(library).AsyncClient(verify=context, timeout=None)
    return client, lambda: client.get(url), client.aclose


async def measured(library: str, url: str, requests: int, concurrency: int) -> float:
    """CPU microseconds of each request, once the connections are open."""
    _client, get, close = opened(library, url)
    remaining = concurrency

    async def ask() -> None:
        nonlocal remaining
        while remaining > 0:
            remaining -= 1
            await get()

    async def together() -> None:
        await asyncio.gather(*(ask() for _ in range(concurrency)))

    await together()
    gc.collect()
    gc.freeze()  # the collector then examines objects of requests only, so its share does not depend on chance
    remaining = requests
    count_instructions("on")
    started = time.process_time()
    await together()
    cpu = time.process_time() - started
    count_instructions("off")
    await close()
    return 1e6 * cpu / requests


def count_instructions(how: str) -> None:
    """Switches callgrind on or off, if this process runs under it."""
    if "COUNT_INSTRUCTIONS" in os.environ:
        words = ["callgrind_control", "-i", how, str(os.getpid())]
        control = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while control.poll() is None:
            # Valgrind answers between instructions of this process. It may count those of this loop: let them be few.
            time.sleep(0.5)


def main(way: str, library: str, url: str, requests: str, concurrency: str, journal: str) -> None:
    """Runs the requests; see the module's docstring."""
    if way == "instrumented":
        from diagnostics.sanitizer.process import instrumented

        instrumented.begin(journal, "{}", ())
    cpu = asyncio.run(measured(library, url, int(requests), int(concurrency)))
    resident = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps({"cpu": cpu, "resident": resident, "journal": os.path.getsize(journal)}))


if __name__ == "__main__":
    main(*sys.argv[1:])
