# ENVIRONMENTS: none
# FINDINGS: none
"""Threads that wake tasks as asyncio has it, before their loop runs and while it does."""

import asyncio
import threading


def hand_over(loop, queue, event, future):
    loop.call_soon_threadsafe(queue.put_nowait, 1)
    loop.call_soon_threadsafe(event.set)
    loop.call_soon_threadsafe(future.set_result, 2)
    return asyncio.run_coroutine_threadsafe(asyncio.sleep(0, 3), loop).result()


async def main():
    loop = asyncio.get_running_loop()
    queue, event, future = asyncio.Queue(), asyncio.Event(), loop.create_future()
    waiting = asyncio.gather(queue.get(), event.wait(), future)
    print(await asyncio.to_thread(hand_over, loop, queue, event, future), await waiting)
    process = await asyncio.create_subprocess_exec("true")
    print(await process.wait())


asyncio.run(main())

made = asyncio.new_event_loop()
made.call_soon(made.stop)  # by this thread, before another one runs the loop
thread = threading.Thread(target=made.run_forever)
thread.start()
thread.join()
made.close()
