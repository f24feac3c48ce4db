# ENVIRONMENTS: openai-2
# FINDINGS: client-left-open=leak cross-loop-close=error
import asyncio
import os

import httpx

client = httpx.AsyncClient(limits=httpx.Limits(keepalive_expiry=0.01))  # CREATED


url, headers = os.environ["PROVIDER"] + "/openai/v1/models", {"authorization": "Bearer none"}


async def ask():
    await asyncio.sleep(0.05)  # longer than an idle connection is kept
    try:
        await client.get(url, headers=headers)  # TOUCHED
    except RuntimeError as error:
        print(error)


asyncio.run(ask())
asyncio.run(ask())
