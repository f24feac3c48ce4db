# ENVIRONMENTS: openai-2 openai-3
# FINDINGS: cross-loop-use=error
# MAYBE: client-left-open=leak cross-loop-close=error duplicate-request=error
# OPERATION: connection.send
import asyncio
import os
import threading

from anthropic import AsyncAnthropic

url = os.environ["PROVIDER"] + "/anthropic"
client = AsyncAnthropic(api_key="none", base_url=url, max_retries=1, timeout=2)  # CREATED
used, over = threading.Event(), threading.Event()


async def ask():
    await client.messages.create(model="m", max_tokens=9, messages=[{"role": "user", "content": "one"}])


async def first():
    await ask()
    used.set()
    await asyncio.to_thread(over.wait)


thread = threading.Thread(target=asyncio.run, args=(first(),))
thread.start()
used.wait()
try:
    asyncio.run(ask())
except Exception as error:
    print(type(error).__name__)
over.set()
thread.join()
