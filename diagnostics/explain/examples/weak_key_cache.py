import asyncio
from weakref import WeakKeyDictionary

from llm import ask
from openai import AsyncOpenAI

clients: WeakKeyDictionary[asyncio.AbstractEventLoop, AsyncOpenAI] = WeakKeyDictionary()


async def main(question: str) -> str | None:
    loop = asyncio.get_running_loop()
    if loop not in clients:
        clients[loop] = AsyncOpenAI()
    return await ask(clients[loop], question)


for question in ("one", "two"):
    print(asyncio.run(main(question)))  # nothing closes the clients, and their connections keep the loops alive
