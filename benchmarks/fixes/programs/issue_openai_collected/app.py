import asyncio

from openai import AsyncOpenAI


async def ask(text):
    client = AsyncOpenAI(max_retries=0)
    reply = await client.chat.completions.create(model="m", messages=[{"role": "user", "content": text}])
    print(reply.choices[0].message.content)


for number in range(4):
    asyncio.run(ask(str(number)))
