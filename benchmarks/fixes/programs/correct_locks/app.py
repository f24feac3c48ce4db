import asyncio

lock = asyncio.Lock()
order = []


async def work(number):
    async with lock:
        await asyncio.sleep(0)
        order.append(number)


async def main():
    async with asyncio.TaskGroup() as group:
        for number in range(3):
            group.create_task(work(number))


asyncio.run(main())
print(order)
