# ENVIRONMENTS: openai-2
# FINDINGS: cross-loop-use=error stuck-waiter=error unclosed-at-exit=note
# OPERATION: pool.wait
import asyncio
import os
import signal
import sys

import httpx

client = httpx.AsyncClient(limits=httpx.Limits(max_connections=1), timeout=None)  # CREATED
url, headers = os.environ["PROVIDER"] + "/openai/v1/models", {"authorization": "Bearer none"}


async def hold():
    return await client.send(client.build_request("GET", url, headers=headers), stream=True)


async def ask():
    await client.get(url, headers=headers)  # TOUCHED


async def main():
    call = asyncio.create_task(ask())
    await asyncio.sleep(0)
    os.kill(os.getpid(), signal.SIGINT)
    await call


signal.signal(signal.SIGINT, signal.default_int_handler)
loop = asyncio.new_event_loop()
response = loop.run_until_complete(hold())
try:
    asyncio.run(main())
except KeyboardInterrupt:
    print("interrupted")
    sys.exit(130)
