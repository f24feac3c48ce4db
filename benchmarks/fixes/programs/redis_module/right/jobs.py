import asyncio
import os

import redis.asyncio as redis


async def store(name, value):
    async with redis.from_url(os.environ["REDIS"]) as client:
        await client.set(name, value)
        return await client.get(name)


for job, colour in enumerate(["red", "blue"]):
    print("stored", asyncio.run(store(f"job-{job}", colour)))
