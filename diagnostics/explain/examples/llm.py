"""One question to a model, for the other examples."""

from openai import AsyncOpenAI


async def ask(client: AsyncOpenAI, question: str) -> str | None:
    reply = await client.chat.completions.create(
        model="gpt-5-mini",
        messages=[{"role": "user", "content": question}],
    )
    return reply.choices[0].message.content
