# ENVIRONMENTS: frameworks
# WARM: yes
# FINDINGS: client-left-open=leak cross-loop-use=error duplicate-request=error
import asyncio
import os

import instructor
from openai import AsyncOpenAI

url = os.environ["PROVIDER"] + "/openai/v1"
client = instructor.from_openai(AsyncOpenAI(api_key="none", base_url=url))  # CREATED


async def ask():
    messages = [{"role": "user", "content": "one"}]
    answer = await client.chat.completions.create(model="m", response_model=None, messages=messages)
    print(answer.choices[0].message.content)


for _ in range(2):
    asyncio.run(ask())
