# ENVIRONMENTS: neighbours
# FINDINGS: use-after-loop-close=error
# CANNOT-TELL: motor
# CLOSER: close()
"""A client of Motor, whose connections are threads', that is kept over two runs; there is no server."""

import asyncio

from motor.motor_asyncio import AsyncIOMotorClient

client = AsyncIOMotorClient("mongodb://127.0.0.1:9", serverSelectionTimeoutMS=1)  # CREATED


async def ask():
    return await client.test.command("ping")  # TOUCHED


for _ in range(2):
    try:
        print(asyncio.run(ask()))
    except Exception as error:
        print(type(error).__name__)
