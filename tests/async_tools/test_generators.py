"""Async generators that are dropped half-way, one inside the other, as a streamed answer is: each is finalised whole.

asyncio finalises all of them at once, so the outer one finds the inner one "already running" and stops in its cleanup.
"""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import AsyncGenerator
from contextlib import aclosing

import pytest

from diagnostics import async_tools
from diagnostics.async_tools import PersistentLoop
from tests.async_tools.parts import PATIENCE, ended, program

DEPTH = 3


class Stream:
    """Generators over generators, the way from the socket to the SDK."""

    def __init__(self) -> None:
        self.closed: list[int] = []
        self.all_closed = threading.Event()

    async def pieces(self, depth: int) -> AsyncGenerator[int, None]:
        try:
            if depth == 0:
                yield 1
                yield 2
            else:
                async with aclosing(self.pieces(depth - 1)) as inner:
                    async for piece in inner:
                        yield piece
        finally:
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            self.closed.append(depth)
            if len(self.closed) == DEPTH + 1:
                self.all_closed.set()

    async def first(self) -> AsyncGenerator[int, None]:
        opened = self.pieces(DEPTH)
        await anext(opened)
        return opened


async def quietly(problems: list[dict[str, object]]) -> None:
    asyncio.get_running_loop().set_exception_handler(lambda _, context: problems.append(context))


@pytest.mark.parametrize("how", ["kept", "in a cycle"])
def test_generators_that_are_open_at_the_end_are_finalised_one_after_the_other(how: str) -> None:
    stream, problems = Stream(), list[dict[str, object]]()
    with PersistentLoop() as persistent:
        persistent.run(quietly(problems))
        kept: list[object] = [persistent.run(stream.first())]
        if how == "in a cycle":
            kept.append(kept)
            del kept
    assert (stream.closed, problems) == ([*range(DEPTH + 1)], [])


def test_generators_that_the_collector_finds_are_finalised_while_the_loop_runs() -> None:
    stream, problems = Stream(), list[dict[str, object]]()
    with PersistentLoop() as persistent:
        persistent.run(quietly(problems))
        cycle: list[object] = [persistent.run(stream.first())]
        cycle.append(cycle)
        del cycle
        gc.collect()
        assert stream.all_closed.wait(PATIENCE)
        assert sorted(stream.closed) == [*range(DEPTH + 1)]
    assert problems == []


def test_a_cleanup_that_hangs_holds_up_the_next_only_so_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(async_tools, "INTERRUPT_GRACE", 0.01)
    stream, ended_after_all = Stream(), threading.Event()
    waits_for: list[asyncio.Future[None]] = []

    async def hangs() -> AsyncGenerator[int, None]:
        try:
            yield 1
        finally:
            waits_for.append(asyncio.get_running_loop().create_future())
            await waits_for[0]
            ended_after_all.set()

    async def start() -> None:
        dropped = hangs()
        await anext(dropped)

    with PersistentLoop() as persistent:
        persistent.run(start())
        cycle: list[object] = [persistent.run(stream.first())]
        cycle.append(cycle)
        del cycle
        gc.collect()
        assert stream.all_closed.wait(PATIENCE)
        waits_for[0].get_loop().call_soon_threadsafe(waits_for[0].set_result, None)
        assert ended_after_all.wait(PATIENCE)


def test_a_program_that_leaves_a_stream_ends_without_a_word() -> None:
    text = """
from contextlib import aclosing
async def socket():
    try:
        yield 1
        yield 2
    finally:
        await asyncio.sleep(0)
async def answer():
    async with aclosing(socket()) as pieces:
        async for piece in pieces:
            yield piece
async def use():
    use.stream = answer()
    return await anext(use.stream)
print(run_sync(use()))
"""
    assert ended(program(text, "-X", "dev", "-W", "error")) == ("1\n", "", 0)
