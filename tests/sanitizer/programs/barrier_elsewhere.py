# ENVIRONMENTS: none
# FINDINGS: cross-loop-use=error
# OPERATION: Barrier.wait
# SAYS: code on L2 waited for an asyncio Barrier
"""A barrier that waits with a condition of its own: what is named is the barrier, which the program has."""

import asyncio

gate = asyncio.Barrier(2)  # CREATED


async def arrive():
    await gate.wait()  # TOUCHED


async def main():
    try:
        await asyncio.gather(arrive(), arrive())
    except RuntimeError as error:
        print("bound to a different event loop" in str(error))


for _ in range(2):
    asyncio.run(main())
