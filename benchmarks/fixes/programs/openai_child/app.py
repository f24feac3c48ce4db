import asyncio
import os
import sys

from openai import AsyncOpenAI

client = AsyncOpenAI(max_retries=0)


async def ask(text):
    reply = await client.chat.completions.create(model="m", messages=[{"role": "user", "content": text}])
    return reply.choices[0].message.content


def work():
    for text in ("first", "second"):
        try:
            print(asyncio.run(ask(text)), flush=True)
        except Exception as error:
            print(f"failed: {type(error).__name__}", flush=True)
    sys.exit(0)


child = os.fork()
if child == 0:
    work()
_, status = os.waitpid(child, 0)
print("child ended with", os.waitstatus_to_exitcode(status))
