"""Sends texts to a service; one that fails must not stop the others."""

import asyncio
import os

import aiohttp


async def process(path, text):
    session = aiohttp.ClientSession(raise_for_status=True)
    async with session.post(os.environ["SERVICE"] + path, data=text) as response:
        await response.read()
    await session.close()
    return "ok"


async def main():
    for path, text in (("/process", "a"), ("/status/500", "b"), ("/process", "c")):
        try:
            print(f"{text}:", await process(path, text))
        except aiohttp.ClientResponseError as error:
            print(f"{text}: status {error.status}")


asyncio.run(main())
