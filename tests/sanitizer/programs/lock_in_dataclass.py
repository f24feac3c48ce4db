# ENVIRONMENTS: none
# FINDINGS: cross-loop-use=error
# OPERATION: Lock.acquire
"""A lock that is a field's default: the objects of all loops share it."""

import asyncio
from dataclasses import dataclass


@dataclass
class Service:
    name: str
    lock: asyncio.Lock = asyncio.Lock()  # noqa: RUF009  # CREATED

    async def work(self):
        async with self.lock:  # TOUCHED
            await asyncio.sleep(0)


async def main():
    service = Service("a")
    try:
        await asyncio.gather(service.work(), service.work())
    except RuntimeError as error:
        print("bound to a different event loop" in str(error))


for _ in range(2):
    asyncio.run(main())
