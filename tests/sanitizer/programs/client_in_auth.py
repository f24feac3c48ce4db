# ENVIRONMENTS: openai-2 openai-3
# FINDINGS: client-left-open=leak
import asyncio
import importlib
import os
import sys

httpx = importlib.import_module("httpx2" if sys.argv[1:] == ["openai-3"] else "httpx")
url = os.environ["PROVIDER"] + "/openai/v1/models"
headers = {"authorization": "Bearer none"}


class Tokens(httpx.Auth):
    def __init__(self, client):
        self.client = client

    async def async_auth_flow(self, request):
        print((await self.client.get(url, headers=headers)).status_code)
        yield request


async def main():
    global client
    async with httpx.AsyncClient() as tokens:
        client = httpx.AsyncClient(auth=Tokens(tokens))  # CREATED
        print((await client.get(url, headers=headers)).status_code)


asyncio.run(main())
