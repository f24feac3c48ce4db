import asyncio

queue = asyncio.Queue()
limit = asyncio.Semaphore(1)


async def work():
    async with limit:
        await asyncio.sleep(0.001)


async def main(number):
    reader = asyncio.create_task(queue.get())
    await asyncio.gather(work(), work())
    await queue.put(number)
    return await reader


for number in range(2):
    try:
        print(f"round {number} gave {asyncio.run(main(number))}")
    except RuntimeError as error:
        print(f"round {number} failed: {type(error).__name__}")
