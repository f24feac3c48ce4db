"""Each level of the search grades all branches at once, in a run of its own."""

import asyncio

from openai import AsyncOpenAI

client = AsyncOpenAI(max_retries=2)


async def grade(text: str) -> str:
    reply = await client.chat.completions.create(model="m", messages=[{"role": "user", "content": text}])
    return reply.choices[0].message.content


async def step(text: str) -> str:
    branches = [f"{text} left", f"{text} right"]
    grades = await asyncio.gather(*(grade(branch) for branch in branches))
    return max(zip(grades, branches))[1]


def search(text: str, depth: int) -> str:
    for _ in range(depth):
        text = asyncio.run(step(text))
    return text


if __name__ == "__main__":
    print("best: answer to", search("tree", 2))
