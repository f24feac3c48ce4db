from contextlib import asynccontextmanager

from fastapi import FastAPI
from openai import APIConnectionError, AsyncOpenAI


@asynccontextmanager
async def lifespan(app):
    async with AsyncOpenAI(max_retries=0) as app.state.llm:
        yield


app = FastAPI(lifespan=lifespan)


@app.get("/ask")
async def ask(text: str):
    try:
        llm = app.state.llm
        reply = await llm.chat.completions.create(model="m", messages=[{"role": "user", "content": text}])
    except APIConnectionError as error:
        return f"failed: {error}"
    return reply.choices[0].message.content
