# ENVIRONMENTS: none
# FINDINGS: pending-task-destroyed=leak
import asyncio
import logging

logging.disable()


async def wait():
    await asyncio.Event().wait()  # TOUCHED


async def main():
    global task
    task = asyncio.create_task(wait())
    await asyncio.sleep(0)


loop = asyncio.new_event_loop()
loop.run_until_complete(main())
loop.close()
