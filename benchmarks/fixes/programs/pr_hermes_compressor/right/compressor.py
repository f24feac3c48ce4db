import asyncio

from openai import AsyncOpenAI


class Compressor:
    """Shortens the files of a directory."""

    def __init__(self, model="m"):
        self.model = model

    async def compress(self, name, client=None):
        if client is None:
            async with AsyncOpenAI(max_retries=1) as client:
                return await self.compress(name, client)
        response = await client.chat.completions.create(
            model=self.model,
            messages=[{"role": "system", "content": "Shorten."}, {"role": "user", "content": name}],
        )
        return response.choices[0].message.content

    async def _process(self, files):
        async with AsyncOpenAI(max_retries=1) as client:
            return [await self.compress(name, client) for name in files]

    def process_directory(self, files):
        return asyncio.run(self._process(files))
