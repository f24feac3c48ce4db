import asyncio

from openai import AsyncOpenAI

clients = []


async def ask(text):
    client = AsyncOpenAI(max_retries=0)
    clients.append(client)
    reply = await client.chat.completions.create(model="m", messages=[{"role": "user", "content": text}])
    print(reply.choices[0].message.content)


for number in range(4):
    asyncio.run(ask(str(number)))
for client in clients:
    try:
        asyncio.run(client.close())
    except RuntimeError:
        pass
