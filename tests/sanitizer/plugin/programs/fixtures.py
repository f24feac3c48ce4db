import asyncio
import os

import httpx2
import pytest

URL = os.environ["PROVIDER"] + "/openai/v1/models"
HEADERS = {"authorization": "Bearer none"}
outside = httpx2.AsyncClient()  # BLAME conftest.py import


async def fetch(client):
    assert (await client.get(URL, headers=HEADERS)).status_code == 200


@pytest.fixture(name="fetch", scope="session")
def fetch_function():
    return fetch


@pytest.fixture
def use_outside():
    asyncio.run(fetch(outside))


@pytest.fixture
def helper():
    return httpx2.AsyncClient()  # BLAME test_chat.py::test_fixture_of_conftest setup helper function


@pytest.fixture(scope="session")
def shared():
    return httpx2.AsyncClient()  # BLAME test_chat.py::test_shared_first setup shared session
