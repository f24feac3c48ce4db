import asyncio
import os

import aiohttp


async def peek(url):
    session = aiohttp.ClientSession()
    response = await session.get(url)
    return (await response.content.readline()).decode().strip()


print("first line:", asyncio.run(peek(os.environ["SERVICE"] + "/stream/words")))
