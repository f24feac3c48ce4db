import asyncio
import os

import aiohttp


async def find_backwards(stream, wanted):
    session = aiohttp.ClientSession()
    number = 0
    while True:
        response = await session.get(f"{os.environ['SERVICE']}/{stream}/{number}")
        event = await response.json()
        if event["path"].endswith(wanted):
            await asyncio.sleep(0.1)
            return event["path"]
        number += 1


print("found", asyncio.run(find_backwards("event", "2")))
