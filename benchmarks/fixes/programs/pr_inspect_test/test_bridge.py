import pytest
from openai import AsyncOpenAI


async def bridge(history):
    client = AsyncOpenAI(max_retries=0)
    answers = []
    for text in history:
        reply = await client.chat.completions.create(model="m", messages=[{"role": "user", "content": text}])
        answers.append(reply.choices[0].message.content)
    return answers


@pytest.mark.asyncio
async def test_compaction():
    assert len(await bridge(["one", "two"])) == 2


@pytest.mark.asyncio
async def test_single():
    assert all(await bridge(["three"]))
