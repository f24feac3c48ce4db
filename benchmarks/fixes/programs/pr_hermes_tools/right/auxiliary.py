"""The model that helps the tools."""

from openai import AsyncOpenAI


async def complete(text):
    async with AsyncOpenAI(max_retries=0) as client:
        reply = await client.chat.completions.create(model="m", messages=[{"role": "user", "content": text}])
        return reply.choices[0].message.content
