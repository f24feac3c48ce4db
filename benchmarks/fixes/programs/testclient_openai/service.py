from fastapi import FastAPI
from openai import APIConnectionError, AsyncOpenAI

app = FastAPI()
llm = AsyncOpenAI(max_retries=0)


@app.get("/ask")
async def ask(text: str):
    try:
        reply = await llm.chat.completions.create(model="m", messages=[{"role": "user", "content": text}])
    except APIConnectionError as error:
        return f"failed: {error}"
    return reply.choices[0].message.content
