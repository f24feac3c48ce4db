"""`cached-client`: `lru_cache`, `cached_property` or the like keeps a client that several runs use."""

from __future__ import annotations

from collections.abc import Iterator

from diagnostics.model.finding import MarkedLine
from diagnostics.rewrite.rules.engine.repeats import shared_uses
from diagnostics.rewrite.rules.engine.shown import advice, lines
from diagnostics.rewrite.rules.engine.values import ValueReader
from diagnostics.rewrite.rules.records import CheckRule

WHY = """\
The cache outlives the loop: what it returns in the next run has connections of the last one. A cached client in a
program with one loop, such as a server, is fine and is not reported."""

WRONG = """\
import asyncio
import functools

import httpx


@functools.lru_cache
def client():
    return httpx.AsyncClient()


async def load(url):
    return (await client().get(url)).text


def main(urls):
    for url in urls:
        print(asyncio.run(load(url)))
"""

RIGHT = """\
import asyncio
import functools

import httpx


@functools.lru_cache
def client():
    return httpx.AsyncClient()


async def load(urls):
    async with client():
        for url in urls:
            print((await client().get(url)).text)


def main(urls):
    asyncio.run(load(urls))
"""


def find(reader: ValueReader) -> Iterator[tuple[str, tuple[MarkedLine, ...], str]]:
    """Yields each client that a cache keeps."""
    for shared in shared_uses(reader):
        client = shared.use.client
        elsewhere = shared.fork is not None or any(event.threaded for event in shared.events)
        if client.by == "cache" and not elsewhere:
            message = f"a cache keeps one {client.maker.title} for several runs, each with its own loop"
            yield message, lines(shared), advice(shared)


RULE = CheckRule("EL006", "cached-client", "a cache keeps a client that several runs use", WHY, WRONG, RIGHT, find)
