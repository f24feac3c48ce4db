# ENVIRONMENTS: openai-3
# FINDINGS: client-left-open=leak
import asyncio
import os

from google import genai

options = genai.types.HttpOptions(base_url=os.environ["PROVIDER"] + "/gemini")
client = genai.Client(api_key="none", http_options=options)  # CREATED


async def ask():
    answer = await client.aio.models.generate_content(model="gemini-2.5-flash", contents="one")
    print(answer.text)


asyncio.run(ask())
asyncio.run(ask())
