import asyncio

from openai import AsyncOpenAI

client = AsyncOpenAI(max_retries=0)


async def ask(text):
    reply = await client.chat.completions.create(model="m", messages=[{"role": "user", "content": text}])
    return reply.choices[0].message.content


with asyncio.Runner() as runner:
    for text in ("one", "two"):
        print(runner.run(ask(text)))
    runner.run(client.close())
