import asyncio
import os

import httpx


async def load(path):
    async with httpx.AsyncClient(base_url=os.environ["SERVICE"]) as client:
        response = await client.get(path)
        print(response.json()["path"])
        response.raise_for_status()


try:
    asyncio.run(load("status/404"))
except httpx.HTTPStatusError:
    print("no such page")
