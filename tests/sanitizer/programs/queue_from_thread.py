# ENVIRONMENTS: none
# FINDINGS: cross-loop-use=error
# OPERATION: Queue.put_nowait
# SAYS: another thread used an asyncio Queue without call_soon_threadsafe
"""A thread puts into a queue for which a task waits, and wakes its loop by luck: because the thread ends."""

import asyncio

queue = asyncio.Queue()  # CREATED


def put():
    queue.put_nowait(1)  # TOUCHED


async def main():
    reader = asyncio.create_task(queue.get())
    await asyncio.sleep(0)
    await asyncio.to_thread(put)
    print(await reader)


asyncio.run(main())
