import asyncio

from llm import ask
from openai import AsyncOpenAI

loop = asyncio.new_event_loop()
client = AsyncOpenAI()
for question in ("one", "two"):
    print(loop.run_until_complete(ask(client, question)))
loop.run_until_complete(client.close())
loop.close()
