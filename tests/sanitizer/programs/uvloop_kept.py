# ENVIRONMENTS: frameworks
# FINDINGS: client-left-open=leak cross-loop-close=error
# CANNOT-TELL: uvloop
import os

import uvloop
from openai import AsyncOpenAI

client = AsyncOpenAI(api_key="none", base_url=os.environ["PROVIDER"] + "/openai/v1")  # CREATED


async def ask():
    answer = await client.chat.completions.create(model="m", messages=[{"role": "user", "content": "one"}])
    print(answer.choices[0].message.content)


for _ in range(2):
    uvloop.run(ask())
