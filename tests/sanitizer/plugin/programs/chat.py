import asyncio
import threading
import unittest

import httpx2
import pytest
import pytest_asyncio

kept = []
module_client = httpx2.AsyncClient()  # BLAME test_chat.py import


@pytest_asyncio.fixture
async def right():
    async with httpx2.AsyncClient() as client:
        yield client


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def kept_on_module_loop(fetch):
    client = httpx2.AsyncClient()  # BLAME test_chat.py::test_module_loop setup kept_on_module_loop module
    await fetch(client)
    return client


@pytest.mark.asyncio
async def test_right(right, fetch):
    await fetch(right)


@pytest.mark.asyncio
@pytest.mark.parametrize("letter", ["a", "b"])
async def test_dropped(letter, fetch):
    if letter == "b":
        client = httpx2.AsyncClient()  # BLAME test_chat.py::test_dropped[b] call
        client.itself = client
        await fetch(client)


@pytest.mark.asyncio
async def test_kept(fetch):
    kept.append(httpx2.AsyncClient())  # BLAME test_chat.py::test_kept call
    await fetch(kept[-1])


def test_sync_between():
    kept.append([[] for _ in range(1000)])


@pytest.mark.asyncio
async def test_fixture_of_conftest(helper, fetch):
    await fetch(helper)


@pytest.mark.asyncio
async def test_shared_first(shared, fetch):
    await fetch(shared)


@pytest.mark.asyncio
async def test_shared_second(shared, fetch):
    with pytest.raises(RuntimeError):
        await fetch(shared)


@pytest.mark.asyncio(loop_scope="module")
async def test_module_loop(kept_on_module_loop, fetch):
    await fetch(kept_on_module_loop)


@pytest.mark.asyncio(loop_scope="module")
async def test_module_loop_again(kept_on_module_loop, fetch):
    await fetch(kept_on_module_loop)


def test_import_inside(fetch):
    import service

    asyncio.run(fetch(service.client))


def test_of_module(fetch):
    asyncio.run(fetch(module_client))


def test_of_module_again(fetch):
    with pytest.raises(RuntimeError):
        asyncio.run(fetch(module_client))


def test_outside(use_outside):
    pass


def test_thread(fetch):
    async def main():
        await fetch(httpx2.AsyncClient())  # BLAME test_chat.py::test_thread call

    thread = threading.Thread(target=lambda: asyncio.run(main()))
    thread.start()
    thread.join()


@pytest.mark.event_loops(allow="client-left-open", reason="on purpose")
@pytest.mark.asyncio
async def test_allowed(fetch):
    await fetch(httpx2.AsyncClient())


@pytest.mark.asyncio
async def test_ignored(fetch):
    await fetch(httpx2.AsyncClient())  # event-loops: ignore[client-left-open]


class TestIsolated(unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self):
        from conftest import fetch

        self.fetch = fetch

    async def test_isolated(self):
        await self.fetch(httpx2.AsyncClient())  # BLAME test_chat.py::TestIsolated::test_isolated call

    async def test_isolated_right(self):
        async with httpx2.AsyncClient() as client:
            await self.fetch(client)


class TestSubtests:
    def test_parts(self, subtests, fetch):
        for number in range(2):
            with subtests.test(number=number):
                asyncio.run(fetch(httpx2.AsyncClient()))  # BLAME test_chat.py::TestSubtests::test_parts call
