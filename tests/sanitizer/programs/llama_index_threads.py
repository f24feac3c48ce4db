# ENVIRONMENTS: frameworks
# WARM: yes
# FINDINGS: client-left-open=leak cross-loop-use=error duplicate-request=error
# FAULT: llama-index-llms-openai
import asyncio
import os
import threading

from llama_index.llms.openai import OpenAI

model = OpenAI(model="gpt-4o", api_key="none", api_base=os.environ["PROVIDER"] + "/openai/v1")


async def ask():
    print(await model.acomplete("one"))  # CREATED


for _ in range(2):
    thread = threading.Thread(target=asyncio.run, args=(ask(),))
    thread.start()
    thread.join()
