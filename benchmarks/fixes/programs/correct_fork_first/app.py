import asyncio
import os

import httpx


async def load(side):
    async with httpx.AsyncClient(base_url=os.environ["SERVICE"]) as client:
        print(side, (await client.get(f"side/{side}")).json()["path"], flush=True)


pid = os.fork()
if pid == 0:
    asyncio.run(load("child"))
    os._exit(0)
os.waitpid(pid, 0)
asyncio.run(load("parent"))
