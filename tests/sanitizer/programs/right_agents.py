# ENVIRONMENTS: frameworks
# WARM: yes
# FINDINGS: none
import asyncio
import os

import agents
from openai import AsyncOpenAI

agents.set_tracing_disabled(True)


async def main():
    async with AsyncOpenAI(api_key="none", base_url=os.environ["PROVIDER"] + "/openai/v1") as client:
        model = agents.OpenAIChatCompletionsModel("m", openai_client=client)
        for text in ("one", "two"):
            print((await agents.Runner.run(agents.Agent(name="one", model=model), text)).final_output)


asyncio.run(main())
