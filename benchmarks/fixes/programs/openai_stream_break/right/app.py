import asyncio

from openai import AsyncOpenAI


async def first_words(text, count):
    async with AsyncOpenAI(max_retries=0) as client:
        async with await client.chat.completions.create(
            model="m", messages=[{"role": "user", "content": text}], stream=True
        ) as stream:
            words = []
            async for part in stream:
                words.append(part.choices[0].delta.content)
                if len(words) == count:
                    break
            return words


async def main():
    words = await first_words("hi", 4)
    print("".join(words))
    print("left after", len(words))


asyncio.run(main())
