import asyncio

from fastapi import FastAPI
from openai import AsyncOpenAI

app = FastAPI()
client = AsyncOpenAI(max_retries=0)


async def ask(text):
    reply = await client.chat.completions.create(model="m", messages=[{"role": "user", "content": text}])
    return reply.choices[0].message.content


@app.get("/")
def index(text: str):
    return asyncio.run(ask(text))
