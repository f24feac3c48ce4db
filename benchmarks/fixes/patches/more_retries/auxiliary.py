"""The model that helps the tools."""

from openai import AsyncOpenAI

_clients = {}


def get_client(provider="openai"):
    if provider not in _clients:
        _clients[provider] = AsyncOpenAI(max_retries=5)
    return _clients[provider]


async def complete(text):
    client = get_client()
    reply = await client.chat.completions.create(model="m", messages=[{"role": "user", "content": text}])
    return reply.choices[0].message.content
