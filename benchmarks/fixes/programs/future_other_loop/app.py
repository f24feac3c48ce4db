import asyncio
import threading


started = threading.Event()


async def wait_for(future):
    started.set()
    try:
        print("thread got", await future)
    except RuntimeError as error:
        print(f"thread failed: {type(error).__name__}")


async def main():
    future = asyncio.get_running_loop().create_future()
    thread = threading.Thread(target=lambda: asyncio.run(wait_for(future)))
    thread.start()
    await asyncio.to_thread(started.wait)
    await asyncio.sleep(0.05)
    future.set_result(41)
    await asyncio.to_thread(thread.join)
    print("main got", future.result() + 1)


asyncio.run(main())
