# ENVIRONMENTS: openai-2 openai-3
# FINDINGS: client-left-open=leak abandoned-stream=leak stuck-waiter=error
import asyncio
import importlib
import os
import sys

httpx = importlib.import_module("httpx2" if sys.argv[1:] == ["openai-3"] else "httpx")
client = httpx.AsyncClient(limits=httpx.Limits(max_connections=1), timeout=httpx.Timeout(5, pool=0.1))  # CREATED
url = os.environ["PROVIDER"] + "/openai/v1/models"


async def ask():
    global response
    request = client.build_request("GET", url, headers={"authorization": "Bearer none"})
    response = await client.send(request, stream=True)  # TOUCHED


asyncio.run(ask())
try:
    asyncio.run(ask())
except httpx.PoolTimeout as error:
    print(type(error).__name__)
