# ENVIRONMENTS: openai-2 openai-3
# FINDINGS: cross-loop-use=error
# MAYBE: client-left-open=leak
# OPERATION: pool.wait
import asyncio
import importlib
import os
import sys
import threading

httpx = importlib.import_module("httpx2" if sys.argv[1:] == ["openai-3"] else "httpx")
client = httpx.AsyncClient(limits=httpx.Limits(max_connections=1), timeout=httpx.Timeout(5, pool=0.1))  # CREATED
url, headers = os.environ["PROVIDER"] + "/openai/v1/models", {"authorization": "Bearer none"}
taken, over = threading.Event(), threading.Event()


async def hold():
    async with client.stream("GET", url, headers=headers):
        taken.set()
        await asyncio.to_thread(over.wait)
    await client.aclose()


thread = threading.Thread(target=asyncio.run, args=(hold(),))
thread.start()
taken.wait()
try:
    asyncio.run(client.get(url, headers=headers))  # TOUCHED
except httpx.PoolTimeout as error:
    print(type(error).__name__)
over.set()
thread.join()
