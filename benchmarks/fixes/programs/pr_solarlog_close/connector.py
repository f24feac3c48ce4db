import os

import aiohttp


class Connector:
    def __init__(self):
        self.session = aiohttp.ClientSession()

    async def test(self):
        async with self.session.get(os.environ["SERVICE"] + "/info") as response:
            return (await response.json())["path"]

    async def close(self):
        await self.session.close()
