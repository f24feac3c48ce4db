import asyncio
import os

import httpx


class Embedder:
    def __init__(self):
        self._client = None

    async def embed(self, text):
        if self._client is None:
            self._client = httpx.AsyncClient()
        return (await self._client.get(f"{os.environ['SERVICE']}/embed/{text}")).json()["path"]

    async def embed_all(self, texts):
        return [await self.embed(text) for text in texts]

    def close(self):
        if self._client is not None:
            asyncio.run(self._client.aclose())
