import asyncio

from async_tools import LoopLocal
from llm import ask
from openai import AsyncOpenAI

clients = LoopLocal(AsyncOpenAI)


async def main(question: str) -> str | None:
    return await ask(await clients.get(), question)


for question in ("one", "two"):
    print(asyncio.run(main(question)))
