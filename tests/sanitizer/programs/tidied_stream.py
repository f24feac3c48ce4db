# ENVIRONMENTS: openai-2 openai-3
# FINDINGS: abandoned-stream=note
import os

from openai import AsyncOpenAI

from diagnostics.async_tools import LoopLocal, run_sync

url = os.environ["PROVIDER"] + "/openai/v1"
clients = LoopLocal(lambda: AsyncOpenAI(api_key="none", base_url=url))  # CREATED


async def leave():
    messages = [{"role": "user", "content": "one two three four"}]
    client = await clients.get()
    stream = await client.chat.completions.create(model="m", messages=messages, stream=True)
    async for chunk in stream:
        print(chunk.choices[0].delta.content)
        break


run_sync(leave())
