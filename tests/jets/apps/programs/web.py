"""A FastAPI application under uvicorn: a blocking handler, which runs in a thread pool, and an async one."""

import contextlib
import socket

import uvicorn
import workload
from fastapi import FastAPI

app = FastAPI()


@app.get("/blocking/{number}")
def blocking(number: int) -> dict:
    return workload.work(number)


@app.get("/async/{number}")
async def awaiting(number: int) -> dict:
    return await workload.work_async(number)


listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
with contextlib.suppress(KeyboardInterrupt):  # as `uvicorn.run` does
    uvicorn.Server(uvicorn.Config(app, log_level="warning")).run(sockets=[listener])
