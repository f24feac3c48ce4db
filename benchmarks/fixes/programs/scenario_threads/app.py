"""Four threads, a loop in each, one client for all of them."""

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor

import httpx2

http = httpx2.AsyncClient(base_url=os.environ["SERVICE"])


async def load(name):
    return (await http.get(f"page/{name}")).json()["path"]


with ThreadPoolExecutor(2) as threads:
    print(list(threads.map(lambda name: asyncio.run(load(name)), "abcd")))
