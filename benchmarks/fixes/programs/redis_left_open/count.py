import asyncio
import os

import redis.asyncio as redis


async def main():
    client = redis.from_url(os.environ["REDIS"])
    await client.delete("visits")
    for _ in range(3):
        print(await client.incr("visits"))
    await client.delete("visits")


asyncio.run(main())
