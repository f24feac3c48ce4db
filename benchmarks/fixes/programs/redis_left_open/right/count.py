import asyncio
import os

import redis.asyncio as redis


async def main():
    async with redis.from_url(os.environ["REDIS"]) as client:
        await client.delete("visits")
        for _ in range(3):
            print(await client.incr("visits"))
        await client.delete("visits")


asyncio.run(main())
