# SERVER: redis
# FINDINGS: none
"""A client of Redis in a list that each run closes."""

import asyncio
import os

import redis.asyncio as redis


async def ask():
    async with redis.from_url(os.environ["REDIS"]) as client:
        return await client.ping()


for _ in range(2):
    print(asyncio.run(ask()))
