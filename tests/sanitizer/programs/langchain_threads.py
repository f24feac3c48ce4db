# ENVIRONMENTS: frameworks
# WARM: yes
# FINDINGS: client-left-open=leak cross-loop-use=error duplicate-request=error
# MAYBE: cross-loop-close=error
# FAULT: langchain-openai
import asyncio
import os
import threading

from langchain_openai import ChatOpenAI

model = ChatOpenAI(model="m", api_key="none", base_url=os.environ["PROVIDER"] + "/openai/v1")  # CREATED
for _ in range(2):
    thread = threading.Thread(target=lambda: print(asyncio.run(model.ainvoke("one")).content))
    thread.start()
    thread.join()
