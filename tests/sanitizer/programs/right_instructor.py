# ENVIRONMENTS: frameworks
# WARM: yes
# FINDINGS: none
import asyncio
import os

import instructor
from openai import AsyncOpenAI

url = os.environ["PROVIDER"] + "/openai/v1"


async def main():
    async with AsyncOpenAI(api_key="none", base_url=url) as made:
        client = instructor.from_openai(made)
        messages = [{"role": "user", "content": "one"}]
        answer = await client.chat.completions.create(model="m", response_model=None, messages=messages)
        print(answer.choices[0].message.content)


asyncio.run(main())
