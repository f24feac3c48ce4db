import os

import httpx
import pytest_asyncio


@pytest_asyncio.fixture
async def client():
    async with httpx.AsyncClient(base_url=os.environ["SERVICE"]) as made:
        yield made
