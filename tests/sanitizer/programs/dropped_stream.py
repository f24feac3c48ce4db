# ENVIRONMENTS: openai-2 openai-3
# FINDINGS: abandoned-stream=leak
import asyncio
import os

from openai import AsyncOpenAI


async def main():
    async with AsyncOpenAI(api_key="none", base_url=os.environ["PROVIDER"] + "/openai/v1") as client:  # CREATED
        messages = [{"role": "user", "content": "one two three four"}]
        stream = await client.chat.completions.create(model="m", messages=messages, stream=True)
        async for chunk in stream:
            print(chunk.choices[0].delta.content)
            break
        del stream
        await asyncio.sleep(0.01)


asyncio.run(main())
