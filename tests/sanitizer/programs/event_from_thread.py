# ENVIRONMENTS: none
# FINDINGS: cross-loop-use=error
# OPERATION: Event.set
# SAYS: another thread used an asyncio Event without call_soon_threadsafe
"""A thread that runs no line of the program: what the program gave it is named, and where it waits for that."""

import asyncio


async def main():
    done = asyncio.Event()  # CREATED
    waiting = asyncio.create_task(done.wait())
    await asyncio.sleep(0)
    await asyncio.to_thread(done.set)  # TOUCHED
    print(await waiting)


asyncio.run(main())
