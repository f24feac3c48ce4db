# ENVIRONMENTS: openai-1 openai-2 openai-3
# FINDINGS: none
import asyncio
import os

from openai import AsyncOpenAI


async def main():
    client = AsyncOpenAI(api_key="none", base_url=os.environ["PROVIDER"] + "/openai/v1")
    try:
        await client.chat.completions.create(model="m", messages=[{"role": "user", "content": "one"}])
    finally:
        await client.close()


for _ in range(3):
    asyncio.run(main())
