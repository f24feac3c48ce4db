# ENVIRONMENTS: frameworks
# WARM: yes
# FINDINGS: client-left-open=leak
# MAYBE: cross-loop-use=error duplicate-request=error cross-loop-close=error
# FAULT: pydantic-ai-slim
import asyncio
import os

from pydantic_ai import Agent
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider


def ask(text):
    provider = OpenAIProvider(api_key="none", base_url=os.environ["PROVIDER"] + "/openai/v1")  # CREATED
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    print(Agent(OpenAIChatModel("m", provider=provider)).run_sync(text).output)
    loop.close()


for each in ("one", "two"):
    ask(each)
