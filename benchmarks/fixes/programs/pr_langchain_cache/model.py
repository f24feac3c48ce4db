import functools
import os

import httpx2


@functools.lru_cache
def cached_async_client(base_url, timeout):
    return httpx2.AsyncClient(base_url=base_url, timeout=timeout)


async def score(number):
    client = cached_async_client(os.environ["SERVICE"], 5.0)
    return (await client.get(f"score/{number}")).json()["path"]
