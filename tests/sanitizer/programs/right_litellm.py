# ENVIRONMENTS: frameworks
# WARM: yes
# FINDINGS: none
import asyncio
import os

import litellm
from openai import AsyncOpenAI

url = os.environ["PROVIDER"] + "/openai/v1"


async def main():
    async with AsyncOpenAI(api_key="none", base_url=url) as client:
        for text in ("one", "two"):
            messages = [{"role": "user", "content": text}]
            answer = await litellm.acompletion(model="openai/m", client=client, messages=messages)
            print(answer.choices[0].message.content)


asyncio.run(main())
