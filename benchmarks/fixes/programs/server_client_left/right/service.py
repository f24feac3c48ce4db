import os
from contextlib import asynccontextmanager

import httpx
from fastapi import FastAPI

backend = httpx.AsyncClient(base_url=os.environ["SERVICE"])


@asynccontextmanager
async def lifespan(app):
    async with backend:
        yield


app = FastAPI(lifespan=lifespan)


@app.get("/data/{number}")
async def data(number: int):
    response = await backend.get(f"/data/{number}")
    return response.json()["path"]
