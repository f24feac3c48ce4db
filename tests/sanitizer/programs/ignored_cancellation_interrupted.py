# ENVIRONMENTS: none
# FINDINGS: stuck-waiter=note
# SAYS: the task stubborn goes on after it was cancelled and waits
# WAITS: in Event.wait
import asyncio
import os
import signal


async def stubborn():
    while True:
        try:
            await asyncio.Event().wait()  # TOUCHED
        except asyncio.CancelledError:
            asyncio.get_running_loop().call_soon(os.kill, os.getpid(), signal.SIGINT)


async def main():
    global task
    task = asyncio.create_task(stubborn())
    await asyncio.sleep(0)


signal.signal(signal.SIGINT, signal.default_int_handler)
asyncio.run(main())
