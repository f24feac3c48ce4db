import asyncio
import os

import aiohttp


async def peek(url):
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        return (await response.content.readline()).decode().strip()


print("first line:", asyncio.run(peek(os.environ["SERVICE"] + "/stream/words")))
