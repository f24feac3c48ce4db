# ENVIRONMENTS: frameworks
# WARM: yes
# FINDINGS: none
import asyncio
import os

import httpx2
from llama_index.llms.openai import OpenAI


async def main():
    async with httpx2.AsyncClient() as client:
        url = os.environ["PROVIDER"] + "/openai/v1"
        model = OpenAI(model="gpt-4o", api_key="none", api_base=url, async_http_client=client)
        for text in ("one", "two"):
            print(await model.acomplete(text))


asyncio.run(main())
