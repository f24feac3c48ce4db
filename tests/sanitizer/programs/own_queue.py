# ENVIRONMENTS: none
# FINDINGS: cross-loop-use=error
# OPERATION: Queue.get
# SAYS: code on L2 waited for an asyncio Queue
"""A queue of the module, waited for in two runs."""

import asyncio

queue = asyncio.Queue()  # CREATED


async def main():
    reader = asyncio.create_task(queue.get())
    await asyncio.sleep(0)
    await queue.put(1)
    return await reader


for _ in range(2):
    try:
        print(asyncio.run(main()))
    except RuntimeError:
        print("another loop")
