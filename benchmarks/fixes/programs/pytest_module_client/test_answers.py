import pytest
from openai import AsyncOpenAI

client = AsyncOpenAI(max_retries=0)


@pytest.mark.asyncio
@pytest.mark.parametrize("question", ["a", "b", "c"])
async def test_answer(question):
    reply = await client.chat.completions.create(model="m", messages=[{"role": "user", "content": question}])
    assert reply.choices[0].message.role == "assistant"
    assert reply.choices[0].message.content
