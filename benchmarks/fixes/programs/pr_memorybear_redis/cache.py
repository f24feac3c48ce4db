"""A pool for each thread of the worker."""

import os
import threading

import redis.asyncio as redis

_local = threading.local()


def get_pool():
    if not hasattr(_local, "pool"):
        _local.pool = redis.ConnectionPool.from_url(os.environ["REDIS"])
    return _local.pool


async def remember(key, value):
    client = redis.Redis(connection_pool=get_pool())
    await client.set(key, value, ex=10)
    return await client.get(key)
