import asyncio

from llm import ask
from openai import AsyncOpenAI

for question in ("one", "two"):
    loop = asyncio.new_event_loop()
    client = AsyncOpenAI()
    print(loop.run_until_complete(ask(client, question)))  # nothing closes the client or the loop
