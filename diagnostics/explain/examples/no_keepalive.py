import asyncio

import httpx2
from llm import ask
from openai import AsyncOpenAI, DefaultAsyncHttpxClient

limits = httpx2.Limits(max_keepalive_connections=0)  # httpx.Limits with openai 1 and 2
client = AsyncOpenAI(http_client=DefaultAsyncHttpxClient(limits=limits))

for question in ("one", "two"):
    print(asyncio.run(ask(client, question)))
