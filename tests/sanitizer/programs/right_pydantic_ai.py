# ENVIRONMENTS: frameworks
# WARM: yes
# FINDINGS: none
import asyncio
import os

import httpx2
from pydantic_ai import Agent
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider


async def main():
    async with httpx2.AsyncClient() as client:
        url = os.environ["PROVIDER"] + "/openai/v1"
        model = OpenAIChatModel("m", provider=OpenAIProvider(api_key="none", base_url=url, http_client=client))
        for text in ("one", "two"):
            print((await Agent(model).run(text)).output)


asyncio.run(main())
