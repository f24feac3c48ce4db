import os

import aiohttp


class MemoryClient:
    async def save(self, text):
        async with (
            aiohttp.ClientSession() as session,
            session.post(f"{os.environ['SERVICE']}/memory/{text}", data=text) as response,
        ):
            return (await response.json())["path"]
