import pytest
import pytest_asyncio
from openai import AsyncOpenAI


@pytest_asyncio.fixture
async def client():
    async with AsyncOpenAI(max_retries=0) as made:
        yield made


@pytest.mark.asyncio
@pytest.mark.parametrize("question", ["a", "b", "c"])
async def test_answer(client, question):
    reply = await client.chat.completions.create(model="m", messages=[{"role": "user", "content": question}])
    assert reply.choices[0].message.role == "assistant"
    assert reply.choices[0].message.content
