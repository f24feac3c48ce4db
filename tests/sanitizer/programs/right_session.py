# ENVIRONMENTS: openai-2
# FINDINGS: none
import asyncio
import os
import ssl

import aiohttp


async def main():
    async with aiohttp.ClientSession() as session:
        url = os.environ["PROVIDER"] + "/openai/v1/models"
        trust = ssl.create_default_context()
        for _ in range(2):
            async with session.get(url, ssl=trust, headers={"authorization": "Bearer none"}) as response:
                print(response.status)


asyncio.run(main())
