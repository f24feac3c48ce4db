# ENVIRONMENTS: frameworks
# FINDINGS: none
import asyncio
import os

import nest_asyncio
from openai import AsyncOpenAI

nest_asyncio.apply()


async def ask():
    async with AsyncOpenAI(api_key="none", base_url=os.environ["PROVIDER"] + "/openai/v1") as client:
        answer = await client.chat.completions.create(model="m", messages=[{"role": "user", "content": "one"}])
        print(answer.choices[0].message.content)


async def outer():
    asyncio.run(ask())


asyncio.run(outer())
