# ENVIRONMENTS: none
# FINDINGS: none
"""Child processes that are waited for, one of them with output that nobody reads."""

import asyncio
from asyncio.subprocess import PIPE


async def main():
    one = await asyncio.create_subprocess_exec("echo", "1", stdout=PIPE)
    print(await one.communicate())
    other = await asyncio.create_subprocess_exec("echo", "2", stdout=PIPE, stdin=PIPE)
    await other.wait()


for _ in range(2):
    asyncio.run(main())
