# ENVIRONMENTS: frameworks
# WARM: yes
# FINDINGS: client-left-open=leak cross-loop-use=error duplicate-request=error
# FAULT: llama-index-llms-openai
import asyncio
import os

from llama_index.llms.openai import OpenAI

model = OpenAI(model="gpt-4o", api_key="none", api_base=os.environ["PROVIDER"] + "/openai/v1")
for _ in range(2):
    print(asyncio.run(model.acomplete("one")))  # CREATED
