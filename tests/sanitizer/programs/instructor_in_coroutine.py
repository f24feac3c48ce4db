# ENVIRONMENTS: frameworks
# WARM: yes
# FINDINGS: client-left-open=leak
# MAYBE: cross-loop-close=error
import asyncio
import os

import instructor
from openai import AsyncOpenAI

url = os.environ["PROVIDER"] + "/openai/v1"


async def ask():
    client = instructor.from_openai(AsyncOpenAI(api_key="none", base_url=url))  # CREATED
    messages = [{"role": "user", "content": "one"}]
    answer = await client.chat.completions.create(model="m", response_model=None, messages=messages)
    print(answer.choices[0].message.content)


for _ in range(2):
    asyncio.run(ask())
