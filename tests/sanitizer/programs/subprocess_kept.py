# ENVIRONMENTS: none
# FINDINGS: client-left-open=leak
"""A child process with pipes that outlives its loop, and raises as the interpreter ends."""

import asyncio
from asyncio.subprocess import PIPE

process = None


async def ask():
    global process
    process = await asyncio.create_subprocess_exec("cat", stdin=PIPE, stdout=PIPE)  # CREATED
    process.stdin.write(b"one\n")
    return await process.stdout.readline()


print(asyncio.run(ask()))
