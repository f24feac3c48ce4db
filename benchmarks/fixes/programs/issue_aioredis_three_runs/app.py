import asyncio
import os

from redis.asyncio import Redis


async def connect():
    client = Redis.from_url(os.environ["REDIS"])
    await client.ping()
    return client


async def write(client):
    return await client.set("three-runs", "value")


async def read(client):
    return await client.get("three-runs")


async def remove(client):
    return await client.delete("three-runs")


client = asyncio.run(connect())
for step in (write, read, remove):
    try:
        print(asyncio.run(step(client)))
    except Exception as error:
        print(f"{step.__name__} failed: {type(error).__name__}")
