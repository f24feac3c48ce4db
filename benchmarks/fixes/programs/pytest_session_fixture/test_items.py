import pytest

pytestmark = pytest.mark.asyncio


async def test_one(client):
    assert (await client.get("item/1")).json()["path"] == "item/1"


async def test_two(client):
    assert (await client.get("item/2")).json()["path"] == "item/2"


async def test_three(client):
    assert (await client.get("item/3")).json()["path"] == "item/3"
