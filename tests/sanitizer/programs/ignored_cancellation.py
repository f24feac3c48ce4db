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
            process = os.getppid() if "INSTRUMENTED" in os.environ else os.getpid()  # whom a person would end
            asyncio.get_running_loop().call_soon(os.kill, process, signal.SIGTERM)


async def main():
    global task
    task = asyncio.create_task(stubborn())
    await asyncio.sleep(0)


asyncio.run(main())
