# ENVIRONMENTS: openai-2 openai-3
# FINDINGS: client-left-open=leak inherited-connection=error cross-loop-use=error
# FINDINGS openai-2: client-left-open=leak inherited-connection=error cross-loop-use=error duplicate-request=error
import asyncio
import os

from openai import AsyncOpenAI

client = AsyncOpenAI(api_key="none", base_url=os.environ["PROVIDER"] + "/openai/v1")  # CREATED


async def ask():
    await client.chat.completions.create(model="m", messages=[{"role": "user", "content": "one"}])


asyncio.run(ask())
child = os.fork()
if child == 0:
    try:
        asyncio.run(ask())
    except Exception:  # what the stolen connection answers is not the point
        pass
    os._exit(0)
print(os.waitpid(child, 0)[1])
