"""Async generators that are dropped half-way, one inside the other, as a streamed answer is: each is finalised whole.

asyncio finalises all of them at once, so the outer one finds the inner one "already running" and stops in its cleanup.
"""

from __future__ import annotations

import asyncio
import gc
import sys
import threading
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager, nullcontext

import pytest

from diagnostics.async_tools import LoopLocal, PersistentLoop, limits
from tests.async_tools.parts import PATIENCE, Client, ended, program

DEPTH = 3

Closing = Callable[[AsyncGenerator[int, None]], AbstractAsyncContextManager[AsyncGenerator[int, None]]]


@asynccontextmanager
async def managed(generator: AsyncGenerator[int, None]) -> AsyncGenerator[AsyncGenerator[int, None], None]:
    """`aclosing` as a generator, which must not be finalised before the one that is inside its `async with`."""
    try:
        yield generator
    finally:
        await generator.aclose()


class Stream:
    """Generators over generators, the way from the socket to the SDK."""

    def __init__(self, *closing: Closing) -> None:
        self.closing = closing
        self.closed: list[int] = []
        self.all_closed = threading.Event()

    async def pieces(self, depth: int) -> AsyncGenerator[int, None]:
        try:
            if depth == 0:
                yield 1
                yield 2
            else:
                async with self.closing[depth % len(self.closing)](self.pieces(depth - 1)) as inner:
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


@pytest.fixture(params=[(aclosing,), (managed,), (nullcontext,), (managed, nullcontext), (nullcontext, managed)])
def stream(request: pytest.FixtureRequest) -> Stream:
    return Stream(*request.param)


async def quietly(problems: list[dict[str, object]]) -> None:
    asyncio.get_running_loop().set_exception_handler(lambda _, context: problems.append(context))


@pytest.mark.parametrize("how", ["kept", "in a cycle"])
def test_generators_that_are_open_at_the_end_are_finalised_one_after_the_other(how: str, stream: Stream) -> None:
    problems = list[dict[str, object]]()
    with PersistentLoop() as persistent:
        persistent.run(quietly(problems))
        kept: list[object] = [persistent.run(stream.first())]
        if how == "in a cycle":
            kept.append(kept)
            del kept
    assert (sorted(stream.closed), problems) == ([*range(DEPTH + 1)], [])


def test_generators_that_the_collector_finds_are_finalised_while_the_loop_runs(stream: Stream) -> None:
    problems = list[dict[str, object]]()
    with PersistentLoop() as persistent:
        persistent.run(quietly(problems))
        cycle: list[object] = [persistent.run(stream.first())]
        cycle.append(cycle)
        del cycle
        gc.collect()
        assert stream.all_closed.wait(PATIENCE)
        assert sorted(stream.closed) == [*range(DEPTH + 1)]
    assert problems == []


class Pause:
    """The collector comes by here between two generators, and the loop has all the time it wants."""

    def __init__(self, loop: asyncio.AbstractEventLoop, problems: list[dict[str, object]]) -> None:
        self.loop, self.problems = loop, problems

    def __del__(self) -> None:
        try:
            asyncio.run_coroutine_threadsafe(self.turns(), self.loop).result(PATIENCE)
        except BaseException as error:  # noqa: BLE001 - the collector would only print it
            self.problems.append({"exception": error})

    async def turns(self) -> None:
        for _ in range(50):
            await asyncio.sleep(0)


@pytest.mark.parametrize("goes_on", [True, False])
def test_a_collection_in_another_thread_is_over_before_the_first_is_finalised(goes_on: bool) -> None:
    problems, closed = list[dict[str, object]](), threading.Event()

    async def whole(manager: AbstractAsyncContextManager[AsyncGenerator[int, None]]) -> AsyncGenerator[int, None]:
        try:
            async with manager as inner:
                async for piece in inner:
                    yield piece
        finally:
            closed.set()

    async def leave() -> None:
        await quietly(problems)
        manager = managed(Stream().pieces(0))
        pause = Pause(asyncio.get_running_loop(), problems)
        outer = whole(manager)
        await anext(outer)
        cycle: list[object] = [manager, pause, outer]
        cycle.append(cycle)

    with PersistentLoop() as persistent:
        persistent.run(leave())
        gc.collect()
        if goes_on:
            assert closed.wait(PATIENCE)
    assert closed.is_set()
    assert problems == []


def test_a_loop_that_a_collection_runs_does_not_wait_for_that(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "INTERRUPT_GRACE", 1_000_000.0)
    local, closed = LoopLocal(Client), threading.Event()

    class Owner:
        def __del__(self) -> None:
            asyncio.run(self.close())
            closed.set()

        async def close(self) -> None:
            await local.get()

    def collect() -> None:
        owner = Owner()
        asyncio.run(owner.close())  # as before, outside of any collection
        owner.itself = owner  # type: ignore[attr-defined]
        del owner
        gc.collect()

    threading.Thread(target=collect, daemon=True).start()
    assert closed.wait(PATIENCE)


def test_a_cleanup_that_hangs_holds_up_the_next_only_so_long(monkeypatch: pytest.MonkeyPatch, stream: Stream) -> None:
    monkeypatch.setattr(limits, "INTERRUPT_GRACE", 0.01)
    ended_after_all = threading.Event()
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


class Arranged:
    """A stream that is left on a loop of `asyncio`, where a `LoopLocal` has made its client."""

    def __init__(self, stream: Stream) -> None:
        self.stream, self.problems, self.order = stream, list[dict[str, object]](), list[str]()
        self.local = LoopLocal(Client, self.close)

    async def close(self, client: Client) -> None:
        self.order.append(f"client closed after {len(self.stream.closed)}")
        await client.close()

    async def leave(self) -> AsyncGenerator[int, None]:
        await quietly(self.problems)
        await self.local.get()
        return await self.stream.first()

    def is_whole(self) -> bool:
        return (sorted(self.stream.closed), self.problems) == ([*range(DEPTH + 1)], [])


@pytest.fixture
def arranged(stream: Stream) -> Arranged:
    return Arranged(stream)


@pytest.mark.parametrize("closing", [aclosing, managed])
def test_asyncio_alone_fails_at_it(closing: Closing) -> None:
    """The baseline of those below."""
    stream, problems = Stream(closing), list[dict[str, object]]()

    async def main() -> None:
        await quietly(problems)
        kept.append(await stream.first())

    kept: list[object] = []
    asyncio.run(main())
    assert "already running" in str([problem["exception"] for problem in problems])


def test_a_loop_local_finalises_them_too_and_closes_the_client_after_them(arranged: Arranged) -> None:
    async def main() -> None:
        kept.append(await arranged.leave())

    kept: list[object] = []
    asyncio.run(main())
    assert arranged.is_whole()
    assert arranged.order == [f"client closed after {DEPTH + 1}"]


def test_in_every_run_of_a_loop_and_with_several_loop_locals(arranged: Arranged) -> None:
    other = LoopLocal(Client)

    async def first() -> None:
        await other.get()
        await arranged.local.get()

    async def second() -> None:
        await other.get()
        kept.append(await arranged.leave())

    kept: list[object] = []
    loop = asyncio.new_event_loop()
    loop.run_until_complete(first())
    loop.run_until_complete(second())
    loop.run_until_complete(loop.shutdown_asyncgens())
    loop.close()
    assert arranged.is_whole()
    assert arranged.order == [f"client closed after {DEPTH + 1}"]


@pytest.mark.parametrize("goes_on", [True, False])
def test_those_that_the_collector_finds(goes_on: bool, arranged: Arranged) -> None:
    async def main() -> None:
        cycle: list[object] = [await arranged.leave()]
        cycle.append(cycle)
        del cycle
        gc.collect()
        if goes_on:
            await asyncio.to_thread(arranged.stream.all_closed.wait, PATIENCE)
            assert arranged.is_whole()

    asyncio.run(main())
    assert arranged.is_whole()


@pytest.mark.parametrize("turns", range(0, 12, 2))
def test_a_program_that_ends_in_the_midst_of_it(turns: int, arranged: Arranged) -> None:
    async def main() -> None:
        opened = await arranged.leave()
        del opened
        for _ in range(turns):
            await asyncio.sleep(0)

    asyncio.run(main())
    assert arranged.problems == []
    assert arranged.order == [f"client closed after {len(arranged.stream.closed)}"]


def test_hooks_that_somebody_else_has_set_stay() -> None:
    def first(generator: AsyncGenerator[int, None]) -> None:
        pass

    async def main() -> None:
        before = sys.get_asyncgen_hooks()
        sys.set_asyncgen_hooks(firstiter=first)
        await LoopLocal(Client).get()
        assert sys.get_asyncgen_hooks().firstiter is first
        sys.set_asyncgen_hooks(*before)

    asyncio.run(main())


def test_a_loop_that_is_closed_by_hand_finalises_nothing_and_says_nothing(arranged: Arranged) -> None:
    loop = asyncio.new_event_loop()
    opened = loop.run_until_complete(arranged.leave())
    loop.close()
    del opened
    gc.collect()
    assert (arranged.stream.closed, arranged.problems, arranged.order) == ([], [], [])


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
