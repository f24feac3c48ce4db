import asyncio

from openai import AsyncOpenAI


class Compressor:
    """Shortens the files of a directory."""

    def __init__(self, model="m"):
        self.model = model
        self.async_client = AsyncOpenAI(max_retries=1)

    async def compress(self, name):
        response = await self.async_client.chat.completions.create(
            model=self.model,
            messages=[{"role": "system", "content": "Shorten."}, {"role": "user", "content": name}],
        )
        return response.choices[0].message.content

    async def _process(self, files):
        return [await self.compress(name) for name in files]

    def process_directory(self, files):
        return asyncio.run(self._process(files))
