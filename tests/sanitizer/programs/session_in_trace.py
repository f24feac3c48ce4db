# ENVIRONMENTS: openai-2
# FINDINGS: client-left-open=leak
import asyncio
import os
import ssl
import warnings

import aiohttp

warnings.simplefilter("ignore")
url = os.environ["PROVIDER"] + "/openai/v1/models"
headers = {"authorization": "Bearer none"}
trust = ssl.create_default_context()


async def on_start(session, context, parameters):
    global inner
    inner = aiohttp.ClientSession()  # CREATED
    async with inner.get(url, ssl=trust, headers=headers) as response:
        await response.read()


async def main():
    trace = aiohttp.TraceConfig()
    trace.on_request_start.append(on_start)
    async with aiohttp.ClientSession(trace_configs=[trace]) as session:
        response = await session.get(url, ssl=trust, headers=headers)
        await response.read()
        print(response.status)


asyncio.run(main())
