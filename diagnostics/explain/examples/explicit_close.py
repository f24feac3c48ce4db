import asyncio

from llm import ask
from openai import AsyncOpenAI


class Assistant:
    async def answer(self, question: str) -> str | None:
        self.client = AsyncOpenAI()
        try:
            return await ask(self.client, question)
        finally:
            await self.client.close()


assistant = Assistant()
for question in ("one", "two"):
    print(asyncio.run(assistant.answer(question)))
