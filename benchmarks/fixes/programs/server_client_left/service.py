import os

import httpx
from fastapi import FastAPI

app = FastAPI()
backend = httpx.AsyncClient(base_url=os.environ["SERVICE"])


@app.get("/data/{number}")
async def data(number: int):
    response = await backend.get(f"/data/{number}")
    return response.json()["path"]
