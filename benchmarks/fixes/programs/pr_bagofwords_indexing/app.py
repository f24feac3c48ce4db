import asyncio

from database import engine, fetch
from indexing import start


async def main():
    print("request", await fetch(1))
    thread, result = start(3)
    await asyncio.to_thread(thread.join)
    print("indexed", result[0])
    print("request", await fetch(2))
    await engine.dispose()


asyncio.run(main())
