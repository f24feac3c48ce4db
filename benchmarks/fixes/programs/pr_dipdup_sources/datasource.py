import os

import aiohttp


class Datasource:
    def __init__(self, name, path):
        self.name = name
        self.path = path
        self._session = aiohttp.ClientSession()

    async def get(self, number):
        url = f"{os.environ['SERVICE']}/{self.path}/{number}"
        async with self._session.get(url) as response:
            return (await response.json())["path"]

    async def close(self):
        await self._session.close()
