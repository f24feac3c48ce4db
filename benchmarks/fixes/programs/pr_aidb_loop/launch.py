import asyncio
import gc

from runs import asyncio_run


async def query(count):
    await asyncio.sleep(0)
    return len(range(count))


for count in (3, 4):
    print("rows", asyncio_run(query(count)))
    gc.collect()
