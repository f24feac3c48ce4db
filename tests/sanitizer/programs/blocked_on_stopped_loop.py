# ENVIRONMENTS: none
# FINDINGS: stuck-waiter=note
# WAITS: for the coroutine answer on another loop, which does not run any more
"""A thread waits for a loop that nobody runs."""

import asyncio
import os
import signal
import sys
import threading
import time

loop = asyncio.new_event_loop()
loop.run_until_complete(asyncio.sleep(0))


async def answer():
    return 1


def end():
    while sys._current_frames()[threading.main_thread().ident].f_back.f_code.co_name != "result":
        time.sleep(0.01)  # nothing tells that the main thread waits
    process = os.getppid() if "INSTRUMENTED" in os.environ else os.getpid()  # whom a person would end
    os.kill(process, signal.SIGTERM)


threading.Thread(target=end).start()
print(asyncio.run_coroutine_threadsafe(answer(), loop).result())  # TOUCHED
