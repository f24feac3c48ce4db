import asyncio
import threading


started = threading.Event()


async def wait_for(future):
    started.set()
    print("thread got", await future)


async def main():
    loop = asyncio.get_running_loop()
    future = loop.create_future()
    thread = threading.Thread(target=lambda: asyncio.run_coroutine_threadsafe(wait_for(future), loop).result())
    thread.start()
    await asyncio.to_thread(started.wait)
    await asyncio.sleep(0.05)
    future.set_result(41)
    await asyncio.to_thread(thread.join)
    print("main got", future.result() + 1)


asyncio.run(main())
