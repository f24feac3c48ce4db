# ENVIRONMENTS: openai-1 openai-2 openai-3
# FINDINGS: client-left-open=leak
import asyncio
import gc
import os
import sys

from openai import AsyncOpenAI

if "--no-gc" in sys.argv:
    gc.disable()


async def main():
    client = AsyncOpenAI(api_key="none", base_url=os.environ["PROVIDER"] + "/openai/v1")  # CREATED
    ask = client.chat.completions.create
    for round_ in range(3):
        await asyncio.gather(*(ask(model="m", messages=[{"role": "user", "content": f"{round_}"}]) for _ in range(3)))
    del client, ask
    if "--gc-at-the-end" in sys.argv:
        gc.collect()
        await asyncio.sleep(0.05)
    rubbish = [[i] for i in range(int(sys.argv[1]) if len(sys.argv) > 1 and sys.argv[1].isdigit() else 0)]
    print("done", bool(rubbish) or True)


asyncio.run(main())
