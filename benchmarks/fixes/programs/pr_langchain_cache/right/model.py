import os

import httpx2


async def score(number):
    async with httpx2.AsyncClient(base_url=os.environ["SERVICE"], timeout=5.0) as client:
        return (await client.get(f"score/{number}")).json()["path"]
