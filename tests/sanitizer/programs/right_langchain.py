# ENVIRONMENTS: frameworks
# WARM: yes
# FINDINGS: none
import asyncio
import os

import httpx2
from langchain_openai import ChatOpenAI


async def main():
    async with httpx2.AsyncClient() as client:
        url = os.environ["PROVIDER"] + "/openai/v1"
        model = ChatOpenAI(model="m", api_key="none", base_url=url, http_async_client=client)
        for answer in await asyncio.gather(*(model.ainvoke(f"{number}") for number in range(5))):
            print(answer.content)


asyncio.run(main())
