# ENVIRONMENTS: openai-2 openai-3
# FINDINGS: none
import asyncio
import os

from openai import AsyncOpenAI

loop = asyncio.new_event_loop()
client = AsyncOpenAI(api_key="none", base_url=os.environ["PROVIDER"] + "/openai/v1")
for text in ("one", "two"):
    call = client.chat.completions.create(model="m", messages=[{"role": "user", "content": text}])
    print(loop.run_until_complete(call).choices[0].message.content)
loop.run_until_complete(client.close())
loop.close()
