import asyncio

import nest_asyncio
from groq import AsyncGroq

nest_asyncio.apply()
client = AsyncGroq(max_retries=2)


async def ask(text):
    reply = await client.chat.completions.create(model="m", messages=[{"role": "user", "content": text}])
    return reply.choices[0].message.content


for text in ("tides", "moons"):
    print(asyncio.run(ask(text)))
