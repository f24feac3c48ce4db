# ENVIRONMENTS: openai-2 openai-3
# FINDINGS: none
import asyncio
import os
import threading

from openai import AsyncOpenAI


async def main():
    async with AsyncOpenAI(api_key="none", base_url=os.environ["PROVIDER"] + "/openai/v1") as client:
        await client.chat.completions.create(model="m", messages=[{"role": "user", "content": "one"}])


threads = [threading.Thread(target=lambda: asyncio.run(main())) for _ in range(3)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
