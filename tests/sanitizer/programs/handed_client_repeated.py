# ENVIRONMENTS: openai-1 openai-2
# FINDINGS: client-left-open=leak cross-loop-use=error duplicate-request=error
import asyncio
import os

import httpx
from openai import AsyncOpenAI


class Own(httpx.AsyncClient):
    async def send(self, request, **options):
        return await super().send(request, **options)


http_client = Own()  # CREATED
client = AsyncOpenAI(api_key="none", base_url=os.environ["PROVIDER"] + "/openai/v1", http_client=http_client)


async def ask():
    answer = await client.chat.completions.create(model="m", messages=[{"role": "user", "content": "one"}])
    print(answer.choices[0].message.content)


for _ in range(2):
    try:
        asyncio.run(ask())
    except Exception as error:
        print(type(error).__name__)
