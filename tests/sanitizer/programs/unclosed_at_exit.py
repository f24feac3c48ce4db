# ENVIRONMENTS: openai-3
# FINDINGS: unclosed-at-exit=note
import asyncio
import os

import httpx2

loop = asyncio.new_event_loop()
client = httpx2.AsyncClient()  # CREATED
headers = {"authorization": "Bearer none"}
answer = loop.run_until_complete(client.get(os.environ["PROVIDER"] + "/openai/v1/models", headers=headers))
print(answer.status_code)
