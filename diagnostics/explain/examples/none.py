import asyncio

from llm import ask
from openai import AsyncOpenAI

client = AsyncOpenAI()

for question in ("one", "two"):
    print(asyncio.run(ask(client, question)))
