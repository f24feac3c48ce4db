import asyncio
import gc

import openai


async def ask(text):
    client = openai.AsyncOpenAI(max_retries=0)
    client.history = [client]
    reply = await client.chat.completions.create(model="m", messages=[{"role": "user", "content": text}])
    print(reply.choices[0].message.content)


async def tidy():
    gc.collect()
    await asyncio.sleep(0.005)
    print("collected")


for text in ("one", "two"):
    asyncio.run(ask(text))
    asyncio.run(tidy())
