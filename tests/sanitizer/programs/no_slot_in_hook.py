# ENVIRONMENTS: openai-2 openai-3
# OPTIONS: --timeout 3
# FINDINGS: client-left-open=leak abandoned-stream=leak stuck-waiter=error
# EXIT: 66
import asyncio
import importlib
import os
import sys

httpx = importlib.import_module("httpx2" if sys.argv[1:] == ["openai-3"] else "httpx")
inner = httpx.AsyncClient(limits=httpx.Limits(max_connections=1), timeout=None)  # CREATED
url = os.environ["PROVIDER"] + "/openai/v1/models"
headers = {"authorization": "Bearer none"}


async def ask(_=None):
    global response
    response = await inner.send(inner.build_request("GET", url, headers=headers), stream=True)
    print(response.status_code, flush=True)


async def outer():
    async with httpx.AsyncClient(event_hooks={"request": [ask]}, timeout=None) as client:
        await client.get(url, headers=headers)


asyncio.run(ask())
asyncio.run(outer())
