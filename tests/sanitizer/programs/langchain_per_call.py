# ENVIRONMENTS: frameworks
# WARM: yes
# FINDINGS: client-left-open=leak
# MAYBE: cross-loop-close=error
# FAULT: langchain-openai
import asyncio
import os

import httpx2
from langchain_openai import ChatOpenAI


async def ask(text):
    url = os.environ["PROVIDER"] + "/openai/v1"
    # What it is given for timeouts makes it build a client of its own, rather than share the cached one.
    timeout = httpx2.Timeout(10)
    model = ChatOpenAI(model="m", api_key="none", base_url=url, timeout=timeout)  # CREATED
    print((await model.ainvoke(text)).content)


for each in ("one", "two"):
    asyncio.run(ask(each))
