import asyncio
import os

import httpx


async def find(client, wanted):
    request = client.build_request("GET", "/stream/log")
    response = await client.send(request, stream=True)
    async for line in response.aiter_lines():
        if line == wanted:
            return line
    return None


async def main():
    async with httpx.AsyncClient(base_url=os.environ["SERVICE"]) as client:
        print("found", await find(client, "7"))


asyncio.run(main())
