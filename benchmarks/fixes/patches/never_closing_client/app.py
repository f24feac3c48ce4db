import asyncio

from groq import AsyncGroq


async def ask(text):
    client = AsyncGroq(max_retries=2)
    reply = await client.chat.completions.create(model="m", messages=[{"role": "user", "content": text}])
    return reply.choices[0].message.content


for text in ("tides", "moons"):
    print(asyncio.run(ask(text)))
