import asyncio
import os

import redis.asyncio as redis

client = redis.from_url(os.environ["REDIS"])
loop = asyncio.new_event_loop()


async def store(name, value):
    await client.set(name, value)
    return await client.get(name)


for job, colour in enumerate(["red", "blue"]):
    print("stored", loop.run_until_complete(store(f"job-{job}", colour)))
