import asyncio

from memory import MemoryClient

client = MemoryClient()


def remember(text):
    return asyncio.run(client.save(text))
