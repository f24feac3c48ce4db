# ENVIRONMENTS: openai-1 openai-2 openai-3
# FINDINGS: client-left-open=leak cross-loop-close=leak
import asyncio
import gc
import os

from openai import AsyncOpenAI


class Agent:
    def __init__(self):
        self.client = AsyncOpenAI(api_key="none", base_url=os.environ["PROVIDER"] + "/openai/v1")  # CREATED

    async def ask(self):
        await self.client.chat.completions.create(model="m", messages=[{"role": "user", "content": "one"}])


async def next_run(agent):
    gc.collect()  # TOUCHED
    await asyncio.sleep(0)
    await agent.ask()


gc.disable()  # the moment is the one above
for _ in range(2):
    agent = Agent()
    asyncio.run(next_run(agent))
