import asyncio
from asyncio.subprocess import PIPE

helper = None


async def start():
    global helper
    helper = await asyncio.create_subprocess_exec("cat", stdin=PIPE, stdout=PIPE)
    helper.stdin.write(b"ready\n")
    return await helper.stdout.readline()


print(asyncio.run(start()))
