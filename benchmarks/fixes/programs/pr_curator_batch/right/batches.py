"""Sends requests in batches, and fetches the answers later."""

import asyncio

from openai import AsyncOpenAI


class BatchProcessor:
    def __init__(self, model):
        self.model = model

    async def call(self, client, text):
        message = {"role": "user", "content": text}
        reply = await client.chat.completions.create(model=self.model, messages=[message])
        return reply.choices[0].message.content

    async def submit(self, number):
        async with AsyncOpenAI(max_retries=0) as client:
            return await self.call(client, f"submit {number}")

    async def download(self, number):
        async with AsyncOpenAI(max_retries=0) as client:
            return await self.call(client, f"batch {number}")

    def run(self, count):
        submitted = [asyncio.run(self.submit(number)) for number in range(count)]
        print("submitted", len(submitted))
        answers = [asyncio.run(self.download(number)) for number in range(count)]
        print("downloaded", ", ".join(answers))
