import asyncio

from llm import ask
from openai import AsyncOpenAI

clients: dict[int, AsyncOpenAI] = {}


async def main(question: str) -> str | None:
    key = id(asyncio.get_running_loop())  # a new loop can have the id of one that is gone
    if key not in clients:
        clients[key] = AsyncOpenAI()
    return await ask(clients[key], question)


for question in ("one", "two"):
    print(asyncio.run(main(question)))  # nothing closes the clients
