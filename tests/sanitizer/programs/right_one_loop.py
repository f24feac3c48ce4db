# ENVIRONMENTS: openai-1 openai-2 openai-3
# FINDINGS: none
import asyncio
import os

from openai import AsyncOpenAI


async def main():
    async with AsyncOpenAI(api_key="none", base_url=os.environ["PROVIDER"] + "/openai/v1") as client:
        ask = client.chat.completions.create
        calls = (ask(model="m", messages=[{"role": "user", "content": f"{number}"}]) for number in range(20))
        for answer in await asyncio.gather(*calls):
            print(answer.choices[0].message.content)


asyncio.run(main())
