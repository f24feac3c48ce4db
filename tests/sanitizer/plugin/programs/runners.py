"""
>>> import asyncio, conftest, httpx2
>>> asyncio.run(conftest.fetch(httpx2.AsyncClient()))
"""

import asyncio

import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route
from starlette.testclient import TestClient

from conftest import fetch


@pytest.fixture(scope="module")
def anyio_backend():
    return "asyncio"


@pytest.fixture(scope="module")
async def leased(anyio_backend):
    client = httpx2.AsyncClient()  # BLAME test_runners.py::test_leased setup leased module
    await fetch(client)
    yield client


@pytest.mark.anyio
async def test_leased(leased):
    await fetch(leased)


@pytest.mark.anyio
async def test_anyio():
    await fetch(httpx2.AsyncClient())  # BLAME test_runners.py::test_anyio call


@pytest.mark.anyio
async def test_anyio_right():
    async with httpx2.AsyncClient() as client:
        await fetch(client)


@settings(max_examples=3, database=None, deadline=None)
@given(st.integers())
def test_examples(number):
    asyncio.run(fetch(httpx2.AsyncClient()))  # BLAME test_runners.py::test_examples call


async def view(request):
    await fetch(httpx2.AsyncClient())  # BLAME test_runners.py::test_application call
    return Response("")


def test_application():
    assert TestClient(Starlette(routes=[Route("/", view)])).get("/").status_code == 200


def test_application_with_one_loop():
    with TestClient(Starlette(routes=[Route("/", lambda request: Response(""))])) as client:
        assert client.get("/").status_code == 200
