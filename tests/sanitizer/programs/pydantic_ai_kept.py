# ENVIRONMENTS: frameworks
# WARM: yes
# FINDINGS: client-left-open=leak cross-loop-use=error duplicate-request=error
# FAULT: pydantic-ai-slim
import asyncio
import os

from pydantic_ai import Agent
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider

provider = OpenAIProvider(api_key="none", base_url=os.environ["PROVIDER"] + "/openai/v1")  # CREATED
agent = Agent(OpenAIChatModel("m", provider=provider))
for _ in range(2):
    print(asyncio.run(agent.run("one")).output)
