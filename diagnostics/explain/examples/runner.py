import asyncio

from llm import ask
from openai import AsyncOpenAI

with asyncio.Runner() as runner:
    client = AsyncOpenAI()
    for question in ("one", "two"):
        print(runner.run(ask(client, question)))
    runner.run(client.close())
