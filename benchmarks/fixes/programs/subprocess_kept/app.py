import asyncio
import gc
from asyncio.subprocess import PIPE

process = None


async def ask(number):
    global process
    if process is None:
        process = await asyncio.create_subprocess_exec("cat", stdin=PIPE, stdout=PIPE)
    process.stdin.write(b"%d\n" % number)
    await process.stdin.drain()
    return await asyncio.wait_for(process.stdout.readline(), 3)


for number in range(2):
    try:
        print(asyncio.run(ask(number)))
    except Exception as error:
        print(f"{number} failed: {type(error).__name__}")
process = None
gc.collect()
