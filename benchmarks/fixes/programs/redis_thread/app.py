"""A worker thread writes to the same cache as the main loop."""

import asyncio
import os
import threading

import redis.asyncio as redis

cache = redis.from_url(os.environ["REDIS"])


async def use(number):
    for _ in range(3):
        await cache.set("thread", number)
    return await cache.get("thread")


async def main():
    print("main", await use(0))

    def work():
        try:
            print("worker", asyncio.run(asyncio.wait_for(use(1), 3)))
        except Exception as error:
            print(f"worker failed: {type(error).__name__}")

    thread = threading.Thread(target=work)
    thread.start()
    await asyncio.to_thread(thread.join)
    await cache.aclose()


asyncio.run(main())
