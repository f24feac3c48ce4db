import asyncio
import os

import replicate

replicate.default_client._base_url = os.environ["SERVICE"]


async def draw(prompt):
    output = await replicate.async_run("a/b:v", input={"prompt": prompt})
    return output[0]


for prompt in ("cat", "dog"):
    try:
        print(asyncio.run(draw(prompt)))
    except Exception as error:
        print(f"failed: {type(error).__name__}")
