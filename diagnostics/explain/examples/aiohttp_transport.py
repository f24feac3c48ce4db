import asyncio

from llm import ask
from openai import AsyncOpenAI, DefaultAioHttpClient

client = AsyncOpenAI(http_client=DefaultAioHttpClient())  # pip install httpx-aiohttp

for question in ("one", "two"):
    print(asyncio.run(ask(client, question)))
