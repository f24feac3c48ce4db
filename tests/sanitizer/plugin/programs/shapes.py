"""Two public reports: a finalizer that starts a task on the loop of another test, and a client of the module."""

import asyncio
import contextlib
import gc

import httpx2
import pytest

from conftest import fetch

client = httpx2.AsyncClient()  # BLAME test_shapes.py import


class Finalized(httpx2.AsyncClient):
    """Closes itself on whatever loop is running, as the clients of generated SDKs do."""

    def __del__(self):
        with contextlib.suppress(RuntimeError):
            asyncio.get_running_loop().create_task(self.aclose())


@pytest.mark.asyncio
async def test_drops_a_client():
    gc.disable()  # until the test that is hurt
    dropped = Finalized()  # BLAME test_shapes.py::test_drops_a_client call
    dropped.itself = dropped
    await fetch(dropped)


def test_sync():
    pass


@pytest.mark.asyncio
async def test_collects():
    gc.collect()
    gc.enable()
    await asyncio.sleep(0)


@pytest.mark.asyncio
async def test_one():
    await fetch(client)


@pytest.mark.asyncio
async def test_two():
    with pytest.raises(RuntimeError):
        await fetch(client)
