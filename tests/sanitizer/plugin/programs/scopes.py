import asyncio
import threading
import unittest

import httpx2
import pytest
import pytest_asyncio
from httpx2 import AsyncClient as Client

from conftest import fetch as get


class Kept:
    def __init__(self):
        self.runner = asyncio.Runner()

    def call(self, coro):
        return self.runner.run(coro)


@pytest_asyncio.fixture(scope="class", loop_scope="class")
async def layered():
    client = httpx2.AsyncClient()  # BLAME test_scopes.py::TestClassScoped::test_one setup layered class
    await get(client)
    yield client


@pytest.fixture
def plain():
    return httpx2.AsyncClient()  # BLAME test_scopes.py::test_get_by_value setup plain function


class TestClassScoped:
    @pytest.mark.asyncio(loop_scope="class")
    async def test_one(self, layered):
        await get(layered)

    @pytest.mark.asyncio(loop_scope="class")
    async def test_two(self, layered):
        await get(layered)


@pytest.mark.asyncio
async def test_innocent_a():
    async with httpx2.AsyncClient() as c:
        await get(c)


def test_get_by_value(request):
    client = request.getfixturevalue("plain")
    asyncio.run(get(client))


@pytest.fixture(scope="module")
def kept_runner():
    kept = Kept()
    yield kept
    kept.runner.close()


def test_kept_runner_leaks(kept_runner):
    kept_runner.call(get(httpx2.AsyncClient()))  # BLAME test_scopes.py::test_kept_runner_leaks call


def test_kept_runner_innocent(kept_runner):
    async def main():
        async with httpx2.AsyncClient() as c:
            await get(c)

    kept_runner.call(main())


@pytest_asyncio.fixture(loop_scope="module")
async def generated():
    client = httpx2.AsyncClient()  # BLAME test_scopes.py::test_generated[1] setup generated function
    await get(client)
    yield client


@pytest.mark.parametrize("n", [1])
@pytest.mark.asyncio(loop_scope="module")
async def test_generated(generated, n):
    await get(generated)


@pytest_asyncio.fixture(loop_scope="session", params=["x", "y"])
async def param(request):
    if request.param == "y":
        client = httpx2.AsyncClient()  # BLAME test_scopes.py::test_param[y] setup param function
        await get(client)
        yield client
        return
    async with httpx2.AsyncClient() as client:
        yield client


@pytest.mark.asyncio(loop_scope="session")
async def test_param(param):
    await get(param)


@pytest.fixture(scope="module")
def thread_loop():
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    yield loop
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


def test_thread_leaks(thread_loop):
    client = httpx2.AsyncClient()  # BLAME test_scopes.py::test_thread_leaks call
    asyncio.run_coroutine_threadsafe(get(client), thread_loop).result()


def test_thread_innocent(thread_loop):
    async def main():
        async with httpx2.AsyncClient() as c:
            await get(c)

    asyncio.run_coroutine_threadsafe(main(), thread_loop).result()


def test_thread_inside(thread_loop):
    async def main():
        client = httpx2.AsyncClient()  # BLAME test_scopes.py::test_thread_inside call
        await get(client)

    asyncio.run_coroutine_threadsafe(main(), thread_loop).result()


class TestU(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.it = Client()  # BLAME test_scopes.py::TestU::test_a setup _unittest_setUpClass_fixture_TestU class

    def test_a(self):
        asyncio.run(get(self.it))

    def test_b(self):
        with pytest.raises(RuntimeError):
            asyncio.run(get(self.it))


class TestX:
    def setup_method(self):
        self.it = Client()  # BLAME test_scopes.py::TestX::test_a setup _xunit_setup_method_fixture_TestX function

    def test_a(self):
        asyncio.run(get(self.it))


class TestIso(unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self):
        self.it = httpx2.AsyncClient()  # BLAME test_scopes.py::TestIso::test_a call

    async def test_a(self):
        await get(self.it)
