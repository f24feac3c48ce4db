import asyncio

from openai import AsyncOpenAI

from tracing import StreamWrapper, spans


async def main():
    async with AsyncOpenAI(max_retries=0) as client:
        messages = [{"role": "user", "content": "trace"}]
        stream = StreamWrapper(await client.chat.completions.create(model="m", messages=messages, stream=True))
        words = []
        async for part in stream:
            words.append(part.choices[0].delta.content)
            if len(words) == 3:
                break
        await stream.close()
        print("".join(words))
    print("spans:", len(spans))


asyncio.run(main())
