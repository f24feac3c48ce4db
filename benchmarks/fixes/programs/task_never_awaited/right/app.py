import asyncio
import contextlib


async def heartbeat():
    while True:
        await asyncio.sleep(60)


async def handle(number):
    task = asyncio.create_task(heartbeat())
    await asyncio.sleep(0)
    print("handled", number)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


def run(coroutine):
    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(coroutine)
    finally:
        loop.close()


for number in (1, 2):
    run(handle(number))
