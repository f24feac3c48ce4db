"""`LoopLocal`: one object a loop, closed there before the loop is."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import threading
from collections.abc import AsyncIterator, Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from unittest.mock import AsyncMock

import pytest

from diagnostics import async_tools
from diagnostics.async_tools import LoopLocal, limits, run_sync
from tests.async_tools.parts import Client, echo


class Made:
    """A factory, sync and async, that knows what it has made."""

    def __init__(self) -> None:
        self.clients: list[Client] = []

    def now(self) -> Client:
        self.clients.append(Client())
        return self.clients[-1]

    async def later(self) -> Client:
        await asyncio.sleep(0)
        return self.now()

    def all_are_closed_where_they_were_made(self) -> bool:
        return [client.closed_on for client in self.clients] == [client.loop for client in self.clients]


@pytest.fixture
def made() -> Made:
    return Made()


@pytest.mark.parametrize("kind", ["now", "later"])
def test_one_a_loop_is_made_and_closed_there_before_the_loop(kind: str, made: Made) -> None:
    local: LoopLocal[Client] = LoopLocal(getattr(made, kind), Client.close)

    async def twice() -> None:
        assert await local.get() is await local.get()

    for _ in range(3):
        asyncio.run(twice())
    run_sync(twice())
    run_sync(twice())
    async_tools.shutdown()
    assert len(made.clients) == 4
    assert made.all_are_closed_where_they_were_made()


@pytest.mark.parametrize("kind", ["now", "later"])
def test_tasks_that_ask_at_once_get_the_same(kind: str, made: Made) -> None:
    local: LoopLocal[Client] = LoopLocal(getattr(made, kind))

    async def together() -> None:
        clients = await asyncio.gather(*(asyncio.create_task(local.get()) for _ in range(10)))
        assert set(clients) == set(made.clients)

    asyncio.run(together())
    assert len(made.clients) == 1
    assert made.all_are_closed_where_they_were_made()


def test_sync_code_in_any_thread_has_the_persistent_loops_own(made: Made) -> None:
    local = LoopLocal(made.later)
    with ThreadPoolExecutor(8) as threads:
        clients = set(threads.map(lambda _: run_sync(local.get()), range(50)))
    assert clients == set(made.clients)
    assert len(clients) == 1


def test_loops_in_many_threads_have_one_each(made: Made) -> None:
    local = LoopLocal(made.later)
    both = threading.Barrier(4)

    async def use() -> None:
        client = await local.get()
        await asyncio.to_thread(both.wait, 60)
        assert client is await local.get()

    with ThreadPoolExecutor(4) as threads:
        for running in [threads.submit(asyncio.run, use()) for _ in range(4)]:
            running.result()
    assert len(made.clients) == 4
    assert made.all_are_closed_where_they_were_made()


@pytest.mark.parametrize("name", ["aclose", "close"])
@pytest.mark.parametrize("waits", [True, False])
def test_without_close_the_objects_own_method_is_called(name: str, waits: bool) -> None:
    async def later(_: object) -> None:
        await asyncio.sleep(0)
        closed.append(asyncio.get_running_loop())

    def now(_: object) -> None:
        closed.append(asyncio.get_running_loop())

    async def use() -> None:
        await local.get()
        loops.append(asyncio.get_running_loop())

    closed, loops = list[Any](), list[Any]()
    local: LoopLocal[Any] = LoopLocal(type("Client", (), {name: later if waits else now}))
    asyncio.run(use())
    assert closed == loops


def test_what_cannot_be_closed_is_an_error_at_once() -> None:
    with pytest.raises(AttributeError, match="close"):
        asyncio.run(LoopLocal(dict).get())


def test_a_factory_that_fails_may_be_tried_again(made: Made) -> None:
    attempts = iter([ValueError("not yet"), None])

    async def factory() -> Client:
        await asyncio.sleep(0)
        if error := next(attempts):
            raise error
        return made.now()

    async def retry() -> None:
        local = LoopLocal(factory)
        first, second = await asyncio.gather(local.get(), local.get(), return_exceptions=True)
        assert isinstance(first, ValueError)
        assert second is await local.get()

    asyncio.run(retry())


def test_who_is_cancelled_while_it_is_made_leaves_the_making_to_the_next(made: Made) -> None:
    async def factory() -> Client:
        started.append(True)
        if len(started) == 1:
            await asyncio.Event().wait()
        return made.now()

    async def use() -> None:
        first, second = asyncio.create_task(local.get()), asyncio.create_task(local.get())
        await asyncio.sleep(0)
        first.cancel()
        assert await second is made.clients[0]

    started: list[bool] = []
    local = LoopLocal(factory)
    asyncio.run(use())
    assert made.all_are_closed_where_they_were_made()


def test_a_loop_closed_by_hand_closes_nothing_and_breaks_nothing(made: Made) -> None:
    local = LoopLocal(made.now)
    by_hand = asyncio.new_event_loop()
    first = by_hand.run_until_complete(local.get())
    by_hand.close()
    second = run_sync(local.get())
    gc.collect()
    assert first is not second
    async_tools.shutdown()
    assert [client.closed_on for client in made.clients] == [None, second.loop]
    assert local._slots.keys() == {by_hand}  # kept: no collector pass on another loop may find its client


def test_a_loop_closed_by_hand_with_its_generators_closes_it(made: Made) -> None:
    local = LoopLocal(made.now)
    by_hand = asyncio.new_event_loop()
    by_hand.run_until_complete(local.get())
    by_hand.run_until_complete(by_hand.shutdown_asyncgens())
    by_hand.close()
    assert made.all_are_closed_where_they_were_made()


def test_dropping_it_closes_its_objects_each_on_its_loop(made: Made) -> None:
    local = LoopLocal(made.now)
    run_sync(local.get())
    del local
    run_sync(echo(1))
    async_tools.shutdown()
    assert made.all_are_closed_where_they_were_made()


def test_what_fails_to_close_is_reported_and_the_others_are_closed(
    made: Made, caplog: pytest.LogCaptureFixture
) -> None:
    async def fails(_: Client) -> None:
        raise OSError("cannot close")

    async def use() -> None:
        await failing.get()
        await working.get()

    failing, working = LoopLocal(made.now, fails), LoopLocal(made.now)
    asyncio.run(use())
    assert [client.closed_on is not None for client in made.clients] == [False, True]
    assert "cannot close" in caplog.text


class _Noted:
    """Notes its closing, and whether what it uses was open then."""

    def __init__(self, name: str, log: list[str], uses: _Noted | None = None) -> None:
        self.name, self.log, self.uses, self.open = name, log, uses, True

    async def aclose(self) -> None:
        await asyncio.sleep(0)
        if self.uses is not None:
            assert self.uses.open
        self.open = False
        self.log.append(self.name)


@pytest.mark.parametrize("runner", [asyncio.run, run_sync])
def test_what_a_factory_asks_for_is_closed_after_what_it_makes(runner: Callable[..., None]) -> None:
    log: list[str] = []

    async def transport() -> _Noted:
        return _Noted("transport", log)

    transports = LoopLocal(transport)

    async def client() -> _Noted:
        return _Noted("client", log, await transports.get())

    clients = LoopLocal(client)

    async def main() -> None:
        await clients.get()

    runner(main())
    async_tools.shutdown()
    assert log == ["client", "transport"]


@pytest.mark.parametrize("runner", [asyncio.run, run_sync])
def test_what_a_factory_has_entered_is_left_by_close(runner: Callable[..., None]) -> None:
    log: list[str] = []

    @contextlib.asynccontextmanager
    async def entered() -> AsyncIterator[None]:
        try:
            yield
        except BaseException:
            log.append("aborted")
            raise
        log.append("left")

    async def make() -> contextlib.AsyncExitStack:
        stack = contextlib.AsyncExitStack()
        await stack.enter_async_context(entered())
        return stack

    stacks = LoopLocal(make, contextlib.AsyncExitStack.aclose)

    async def main() -> None:
        await stacks.get()

    runner(main())
    async_tools.shutdown()
    assert log == ["left"]


@pytest.mark.parametrize("runner", [asyncio.run, run_sync])
def test_closing_takes_as_long_as_it_takes(runner: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "INTERRUPT_GRACE", 0.001)
    closed: list[bool] = []

    async def close(_: object) -> None:
        await asyncio.sleep(100 * limits.INTERRUPT_GRACE)
        closed.append(True)

    objects = LoopLocal(object, close)

    async def main() -> None:
        await objects.get()

    runner(main())
    async_tools.shutdown()
    assert closed == [True]


@pytest.mark.parametrize("runner", [asyncio.run, run_sync])
def test_a_factory_that_fails_keeps_no_loop(runner: Callable[..., None]) -> None:
    def refuse() -> Client:
        raise LookupError

    clients = LoopLocal(refuse)

    async def main() -> None:
        with pytest.raises(LookupError):
            await clients.get()

    runner(main())
    async_tools.shutdown()
    assert clients._slots == {}


def test_a_stream_of_a_later_run_goes_before_its_client_also_when_the_first_one_asked_is_gone(made: Made) -> None:
    seen: list[bool] = []
    locals_ = [LoopLocal(made.later, Client.close), LoopLocal(made.later, Client.close)]

    async def stream(client: Client) -> AsyncIterator[int]:
        try:
            yield 1
        finally:
            for _ in range(5):
                await asyncio.sleep(0)
            seen.append(client.closed_on is None)

    async def ask_both() -> None:
        for each in locals_:
            await each.get()

    async def leave_a_stream() -> AsyncIterator[int]:
        left = stream(await locals_[-1].get())
        await anext(left)
        return left

    loop = asyncio.new_event_loop()
    loop.run_until_complete(ask_both())
    del locals_[0]
    loop.run_until_complete(echo(None))
    left = loop.run_until_complete(leave_a_stream())
    loop.run_until_complete(loop.shutdown_asyncgens())
    loop.close()
    assert (seen, made.all_are_closed_where_they_were_made()) == ([True], True)
    del left


@pytest.mark.parametrize("make", [AsyncMock, lambda: _Proxy(AsyncMock())])
def test_a_stand_in_is_closed_by_what_it_gives_as_aclose(make: Callable[[], Any]) -> None:
    objects = LoopLocal(make)

    async def main() -> Any:
        return await objects.get()

    asyncio.run(main()).aclose.assert_awaited_once_with()


class _Proxy:
    """Has what another object has."""

    def __init__(self, there: object) -> None:
        self._there = there

    def __getattr__(self, name: str) -> Any:
        return getattr(self._there, name)


class Pool:
    """Closed by another name, and ready once it was awaited."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def __await__(self) -> Generator[Any, None, Pool]:
        yield from asyncio.sleep(0).__await__()
        self.calls.append("ready")
        return self

    def __getattr__(self, name: str) -> str:
        return f"the database {name}"

    async def dispose(self) -> None:
        self.calls.append("disposed")


def test_what_a_factory_makes_is_awaited_and_closed_by_the_name_its_class_has() -> None:
    pool = Pool()
    local: LoopLocal[Pool] = LoopLocal(lambda: pool)

    async def use() -> None:
        assert (await local.get()).calls == ["ready"]

    asyncio.run(use())
    assert pool.calls == ["ready", "disposed"]
