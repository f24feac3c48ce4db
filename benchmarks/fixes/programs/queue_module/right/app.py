import asyncio


async def work(limit=None):
    async with limit or asyncio.Semaphore(1):
        await asyncio.sleep(0.001)


async def main(number):
    queue = asyncio.Queue()
    limit = asyncio.Semaphore(1)
    reader = asyncio.create_task(queue.get())
    await asyncio.gather(work(limit), work(limit))
    await queue.put(number)
    return await reader


for number in range(2):
    try:
        print(f"round {number} gave {asyncio.run(main(number))}")
    except RuntimeError as error:
        print(f"round {number} failed: {type(error).__name__}")
