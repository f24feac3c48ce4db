import asyncio

from llm import ask
from openai import AsyncOpenAI


class Bot:
    async def answer(self, question: str) -> str | None:
        self.client = AsyncOpenAI()
        try:
            return await ask(self.client, question)
        finally:
            await self.client.close()


bot = Bot()
for question in ("one", "two"):
    print(asyncio.run(bot.answer(question)))
