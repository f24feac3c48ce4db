import os

import httpx


class GraphQLClient:
    def __init__(self):
        self._async_client = httpx.AsyncClient()

    async def query(self, name):
        response = await self._async_client.get(f"{os.environ['SERVICE']}/query/{name}")
        return response.json()["path"]

    async def cleanup(self):
        await self._async_client.aclose()
