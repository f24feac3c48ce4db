# ENVIRONMENTS: openai-2 openai-3
# FINDINGS: none
import asyncio
import os

from google import genai

options = genai.types.HttpOptions(base_url=os.environ["PROVIDER"] + "/gemini")


async def main():
    async with genai.Client(api_key="none", http_options=options).aio as client:
        answer = await client.models.generate_content(model="gemini-2.5-flash", contents="one")
        print(answer.text)


asyncio.run(main())
asyncio.run(main())
