# ENVIRONMENTS: openai-2
# FINDINGS: client-left-open=leak
import asyncio
import os
import warnings

from openai import AsyncOpenAI, DefaultAioHttpClient

warnings.simplefilter("ignore")


async def main():
    # The transport makes its session in the midst of the first call.
    global client
    base_url = os.environ["PROVIDER"] + "/openai/v1"
    client = AsyncOpenAI(api_key="none", base_url=base_url, http_client=DefaultAioHttpClient())  # CREATED
    answer = await client.chat.completions.create(model="m", messages=[{"role": "user", "content": "one"}])
    print(answer.choices[0].message.content)


asyncio.run(main())
