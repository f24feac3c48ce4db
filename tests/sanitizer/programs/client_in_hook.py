# ENVIRONMENTS: openai-2 openai-3
# FINDINGS: client-left-open=leak
import asyncio
import importlib
import os
import sys

httpx = importlib.import_module("httpx2" if sys.argv[1:] == ["openai-3"] else "httpx")
url = os.environ["PROVIDER"] + "/openai/v1/models"
headers = {"authorization": "Bearer none"}


async def hook(request):
    global inner
    inner = httpx.AsyncClient()  # CREATED
    print((await inner.get(url, headers=headers)).status_code)


async def main():
    async with httpx.AsyncClient(event_hooks={"request": [hook]}) as outer:
        print((await outer.get(url, headers=headers)).status_code)


asyncio.run(main())
