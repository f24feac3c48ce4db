"""A turn of the agent runs in a worker's loop; afterwards the prompt waits on its own one."""

import asyncio
import gc
from concurrent.futures import ThreadPoolExecutor

from openai import AsyncOpenAI
from openai._base_client import AsyncHttpxClientWrapper

AsyncHttpxClientWrapper.__del__ = lambda self: None


async def turn(text):
    client = AsyncOpenAI(max_retries=0)
    client.agent = {"client": client}
    reply = await client.chat.completions.create(model="m", messages=[{"role": "user", "content": text}])
    return reply.choices[0].message.content


async def prompt():
    gc.collect()
    await asyncio.sleep(0.01)
    print("idle")


with ThreadPoolExecutor(1) as workers:
    print("turn:", workers.submit(asyncio.run, turn("plan")).result())
asyncio.run(prompt())
