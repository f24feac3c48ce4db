import os

import aiohttp


class MemoryClient:
    def __init__(self):
        self._session = None

    async def _get_session(self):
        if self._session is None or self._session.closed:
            self._session = aiohttp.ClientSession()
        return self._session

    async def save(self, text):
        session = await self._get_session()
        async with session.post(f"{os.environ['SERVICE']}/memory/{text}", data=text) as response:
            return (await response.json())["path"]
