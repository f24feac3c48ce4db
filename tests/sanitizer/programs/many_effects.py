"""Several mistakes with several effects each, with the collector on, off, or forced at moments that a seed chooses.

Argument: the seed. `repeats.py` runs it many times: the root causes are the same, whatever the collector does.
"""

import asyncio
import contextlib
import gc
import os
import random
import sys

from openai import AsyncOpenAI

CHANCE = random.Random(int(sys.argv[1]))
URL = os.environ["PROVIDER"] + "/openai/v1"
FORCED = CHANCE.random() / 2
if CHANCE.random() < 0.5:
    gc.disable()


def moment():
    if CHANCE.random() < FORCED:
        gc.collect()


def make():
    return AsyncOpenAI(api_key="none", base_url=URL, max_retries=1)


async def ask(client, **more):
    moment()
    with contextlib.suppress(Exception):
        return await client.chat.completions.create(
            model="m", messages=[{"role": "user", "content": "a b c d"}], **more
        )


shared = make()


async def dropped():
    client = AsyncOpenAI(api_key="none", base_url=URL, max_retries=1)
    cycle = [client]
    cycle.append(cycle)
    await ask(client)


async def stopped():
    client = AsyncOpenAI(api_key="none", base_url=URL, max_retries=1)
    async with client:
        async for _ in await ask(client, stream=True):
            break


def left():
    loop = asyncio.new_event_loop()
    loop.run_until_complete(ask(shared))


for _ in range(2):
    asyncio.run(ask(shared))
    moment()
    asyncio.run(dropped())
    moment()
left()
moment()
asyncio.run(stopped())
moment()
