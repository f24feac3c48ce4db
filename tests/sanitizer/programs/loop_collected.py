# ENVIRONMENTS: openai-2
# FINDINGS: client-left-open=leak loop-closed-by-gc=leak
import asyncio
import gc
import os
import warnings

import httpx

warnings.simplefilter("ignore")


async def main():
    global client
    client = httpx.AsyncClient()  # CREATED
    await client.get(os.environ["PROVIDER"] + "/openai/v1/models", headers={"authorization": "Bearer none"})


loop = asyncio.new_event_loop()
loop.run_until_complete(main())
del loop
gc.collect()
asyncio.run(asyncio.sleep(0))
client = None
gc.collect()
