# ENVIRONMENTS: frameworks
# WARM: yes
# FINDINGS: client-left-open=leak
# FAULT: litellm
import asyncio
import os
import threading

import litellm

url = os.environ["PROVIDER"] + "/openai/v1"
messages = [{"role": "user", "content": "one"}]


async def ask():
    answer = await litellm.acompletion(model="openai/m", api_key="none", api_base=url, messages=messages)  # CREATED
    print(answer.choices[0].message.content)


for _ in range(2):
    thread = threading.Thread(target=asyncio.run, args=(ask(),))
    thread.start()
    thread.join()
