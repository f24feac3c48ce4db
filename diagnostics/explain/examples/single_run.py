import asyncio

from llm import ask
from openai import AsyncOpenAI


async def main() -> None:
    async with AsyncOpenAI() as client:
        for question in ("one", "two"):
            print(await ask(client, question))


asyncio.run(main())
