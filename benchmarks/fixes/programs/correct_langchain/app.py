import asyncio

import httpx2
from langchain_openai import ChatOpenAI


async def main():
    async with httpx2.AsyncClient() as http:
        model = ChatOpenAI(model="m", max_retries=0, http_async_client=http)
        for text in ("one", "two"):
            print((await model.ainvoke(text)).content)


asyncio.run(main())
