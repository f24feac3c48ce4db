# SERVER: redis
# FINDINGS: client-left-open=leak
# TYPE: redis.asyncio.Redis
# ADVICE: async with redis.from_url(
"""A client of Redis in a list that no run closes."""

import asyncio
import os

import redis.asyncio as redis


async def ask():
    clients = [redis.from_url(os.environ["REDIS"])]  # CREATED
    return await clients[0].ping()


print(asyncio.run(ask()))
