import asyncio

from llm import ask
from openai import AsyncOpenAI


async def main(question: str) -> str | None:
    async with AsyncOpenAI() as client:
        return await ask(client, question)


for question in ("one", "two"):
    print(asyncio.run(main(question)))
