# ENVIRONMENTS: openai-2
# FINDINGS: cross-loop-use=error
# MAYBE: client-left-open=leak cross-loop-close=error
import asyncio
import os
import threading

import httpx

client = httpx.AsyncClient(timeout=2)  # CREATED
used, over = threading.Event(), threading.Event()


async def ask():
    return await client.get(os.environ["PROVIDER"] + "/openai/v1/models", headers={"authorization": "Bearer none"})


async def first():
    await ask()
    used.set()
    await asyncio.to_thread(over.wait)


thread = threading.Thread(target=asyncio.run, args=(first(),))
thread.start()
used.wait()
try:
    asyncio.run(ask())
except Exception as error:
    print(type(error).__name__)
over.set()
thread.join()
