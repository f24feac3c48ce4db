# ENVIRONMENTS: openai-2 openai-3
# FINDINGS: client-left-open=leak
import asyncio
import importlib
import os
import sys

httpx = importlib.import_module("httpx2" if sys.argv[1:] == ["openai-3"] else "httpx")


async def application(scope, receive, send):
    global upstream
    upstream = httpx.AsyncClient()  # CREATED
    url = os.environ["PROVIDER"] + "/openai/v1/models"
    answer = await upstream.get(url, headers={"authorization": "Bearer none"})
    await send({"type": "http.response.start", "status": answer.status_code, "headers": []})
    await send({"type": "http.response.body", "body": answer.content})


async def main():
    transport = httpx.ASGITransport(application)
    async with httpx.AsyncClient(transport=transport, base_url="http://application") as client:
        print((await client.get("/")).status_code)


asyncio.run(main())
