# ENVIRONMENTS: openai-2 openai-3
# FINDINGS: none
import asyncio
import os

from anthropic import AsyncAnthropic


async def main():
    async with AsyncAnthropic(api_key="none", base_url=os.environ["PROVIDER"] + "/anthropic") as client:
        answer = await client.messages.create(model="m", max_tokens=9, messages=[{"role": "user", "content": "one"}])
        print(answer.content[0].text)


asyncio.run(main())
