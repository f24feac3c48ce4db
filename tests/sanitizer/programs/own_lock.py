# ENVIRONMENTS: none
# FINDINGS: cross-loop-use=error
# OPERATION: Lock.acquire
import asyncio

lock = asyncio.Lock()  # CREATED


async def hold():
    async with lock:
        await asyncio.sleep(0.01)


async def main():
    await asyncio.gather(hold(), hold())  # the second waits, and that ties the lock to this loop


async def again():
    async with lock:
        try:
            await lock.acquire()  # TOUCHED
        except RuntimeError as error:
            print("bound to a different event loop" in str(error))


asyncio.run(main())
asyncio.run(again())
