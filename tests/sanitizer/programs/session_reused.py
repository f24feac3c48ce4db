# ENVIRONMENTS: openai-2
# FINDINGS: client-left-open=leak
# MAYBE: use-after-loop-close=error cross-loop-use=error
import asyncio
import os
import ssl
import warnings

import aiohttp

warnings.simplefilter("ignore")
session = None


async def ask():
    global session
    if session is None:
        session = aiohttp.ClientSession()  # CREATED
    url = os.environ["PROVIDER"] + "/openai/v1/models"
    trust = ssl.create_default_context()
    async with session.get(url, ssl=trust, headers={"authorization": "Bearer none"}) as response:
        await response.read()


asyncio.run(ask())
