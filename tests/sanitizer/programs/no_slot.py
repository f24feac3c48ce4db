# ENVIRONMENTS: openai-2 openai-3
# OPTIONS: --timeout 3
# FINDINGS: client-left-open=leak abandoned-stream=leak stuck-waiter=error
# EXIT: 66
import asyncio
import importlib
import os
import sys

httpx = importlib.import_module("httpx2" if sys.argv[1:] == ["openai-3"] else "httpx")
client = httpx.AsyncClient(limits=httpx.Limits(max_connections=1), timeout=None)  # CREATED
url = os.environ["PROVIDER"] + "/openai/v1/models"


async def ask():
    global response
    request = client.build_request("GET", url, headers={"authorization": "Bearer none"})
    response = await client.send(request, stream=True)
    print(response.status_code, flush=True)


asyncio.run(ask())
asyncio.run(ask())
