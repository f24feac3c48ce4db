# ENVIRONMENTS: openai-1 openai-2 openai-3
# FINDINGS: client-left-open=leak cross-loop-use=error
# FINDINGS openai-1: client-left-open=leak cross-loop-use=error duplicate-request=error
# FINDINGS openai-2: client-left-open=leak cross-loop-use=error duplicate-request=error
import asyncio
import os

from openai import AsyncOpenAI

client = AsyncOpenAI(api_key="none", base_url=os.environ["PROVIDER"] + "/openai/v1")  # CREATED


async def ask():
    answer = await client.chat.completions.create(model="m", messages=[{"role": "user", "content": "one"}])
    print(answer.choices[0].message.content)


for _ in range(2):
    try:
        asyncio.run(ask())
    except Exception as error:
        print(type(error).__name__)
