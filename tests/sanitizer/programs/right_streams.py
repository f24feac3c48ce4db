# ENVIRONMENTS: openai-2 openai-3
# FINDINGS: none
import asyncio
import os

from openai import AsyncOpenAI


async def main():
    async with AsyncOpenAI(api_key="none", base_url=os.environ["PROVIDER"] + "/openai/v1") as client:
        for whole in (True, False):
            messages = [{"role": "user", "content": "one two three four"}]
            stream = await client.chat.completions.create(model="m", messages=messages, stream=True)
            async with stream:
                async for chunk in stream:
                    print(chunk.choices)
                    if not whole:
                        break


asyncio.run(main())
