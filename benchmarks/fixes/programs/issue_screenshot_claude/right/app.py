import asyncio

from anthropic import AsyncAnthropic


async def ask(text, limit):
    async with AsyncAnthropic(max_retries=0) as client:
        message = await client.messages.create(model="m", max_tokens=9, messages=[{"role": "user", "content": text}])
        if len(text) > limit:
            raise ValueError("stopped")
        return message.content[0].text


async def main():
    for text in ("page", "too long"):
        try:
            print(f"{text}:", await ask(text, 5))
        except ValueError as error:
            print(f"{text}: {error}")


asyncio.run(main())
print("end")
