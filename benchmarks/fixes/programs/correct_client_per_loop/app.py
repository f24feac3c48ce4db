import asyncio
import contextlib
import contextvars
import os

import httpx2

current = contextvars.ContextVar("current")


@contextlib.asynccontextmanager
async def client():
    async with httpx2.AsyncClient(base_url=os.environ["SERVICE"]) as made:
        token = current.set(made)
        try:
            yield
        finally:
            current.reset(token)


async def part(number):
    return (await current.get().get(f"part/{number}")).json()["path"]


async def main(number):
    async with client():
        print(number, await part(number))


for number in range(2):
    asyncio.run(main(number))
