"""As a task queue does it: a loop for each task, closed afterwards."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from tasks import handle


def task(number):
    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(handle(number))
    except Exception as error:
        return type(error).__name__
    finally:
        loop.close()


with ThreadPoolExecutor(1) as pool:
    for number in range(3):
        print(f"task {number} ->", pool.submit(task, number).result())
