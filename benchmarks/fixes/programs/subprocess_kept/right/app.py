import asyncio
from asyncio.subprocess import PIPE


async def ask(number):
    process = await asyncio.create_subprocess_exec("cat", stdin=PIPE, stdout=PIPE)
    output, _ = await process.communicate(b"%d\n" % number)
    return output


for number in range(2):
    try:
        print(asyncio.run(ask(number)))
    except Exception as error:
        print(f"{number} failed: {type(error).__name__}")
