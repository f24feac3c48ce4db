# ENVIRONMENTS: openai-2
# FINDINGS: cross-loop-use=error stuck-waiter=error client-left-open=leak abandoned-stream=leak
# OPERATION: pool.wait
import asyncio
import os
import threading

import httpx

client = httpx.AsyncClient(limits=httpx.Limits(max_connections=1), timeout=httpx.Timeout(5, pool=2))  # CREATED
url, headers = os.environ["PROVIDER"] + "/openai/v1/models", {"authorization": "Bearer none"}
taken, waiting = threading.Event(), threading.Event()


async def hold():
    global response
    response = await client.send(client.build_request("GET", url, headers=headers), stream=True)
    taken.set()
    await asyncio.to_thread(waiting.wait)  # and then this loop ends, with the slot


async def ask():
    asyncio.get_running_loop().call_later(0.1, waiting.set)
    await client.get(url, headers=headers)


thread = threading.Thread(target=asyncio.run, args=(hold(),))
thread.start()
taken.wait()
try:
    asyncio.run(ask())
except httpx.PoolTimeout as error:
    print(type(error).__name__)
thread.join()
