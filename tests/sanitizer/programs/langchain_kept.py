# ENVIRONMENTS: frameworks
# FINDINGS: client-left-open=leak cross-loop-use=error duplicate-request=error
# FAULT: langchain-openai
import asyncio
import os

from langchain_openai import ChatOpenAI

model = ChatOpenAI(model="m", api_key="none", base_url=os.environ["PROVIDER"] + "/openai/v1")  # CREATED
for _ in range(2):
    print(asyncio.run(model.ainvoke("one")).content)
