# ENVIRONMENTS: openai-2 openai-3
# FINDINGS: none
import asyncio
import os
import threading

from openai import AsyncOpenAI

loop = asyncio.new_event_loop()
thread = threading.Thread(target=loop.run_forever)
thread.start()
client = AsyncOpenAI(api_key="none", base_url=os.environ["PROVIDER"] + "/openai/v1")
for text in ("one", "two"):
    call = client.chat.completions.create(model="m", messages=[{"role": "user", "content": text}])
    print(asyncio.run_coroutine_threadsafe(call, loop).result().choices[0].message.content)
asyncio.run_coroutine_threadsafe(client.close(), loop).result()
loop.call_soon_threadsafe(loop.stop)
thread.join()
loop.close()
