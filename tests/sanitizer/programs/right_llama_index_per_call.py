# ENVIRONMENTS: frameworks
# WARM: yes
# FINDINGS: none
import asyncio
import os

from llama_index.llms.openai import OpenAI

model = OpenAI(model="gpt-4o", api_key="none", api_base=os.environ["PROVIDER"] + "/openai/v1", reuse_client=False)
for _ in range(2):
    print(asyncio.run(model.acomplete("one")))
