"""`LoopLocal`: one object a loop, closed there before the loop is."""

from __future__ import annotations

import asyncio
import gc
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from diagnostics import async_tools
from diagnostics.async_tools import LoopLocal, run_sync
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
