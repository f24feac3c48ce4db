# ENVIRONMENTS: openai-2
# FINDINGS: none
import asyncio
import os
import signal

import httpx

slow = httpx.AsyncClient(timeout=None)  # CREATED


async def serve(reader, writer):
    await reader.readuntil(b"\r\n\r\n")
    asyncio.get_running_loop().call_soon(os.kill, os.getpid(), signal.SIGINT)
    await asyncio.Event().wait()


async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    try:
        await slow.get(f"http://{host}:{port}")
    finally:
        server.close()


async def another():
    async with httpx.AsyncClient() as client:
        return await client.get(os.environ["PROVIDER"] + "/openai/v1/models")


signal.signal(signal.SIGINT, signal.default_int_handler)
try:
    asyncio.run(main())
except KeyboardInterrupt:
    print("never mind")
print(asyncio.run(another()).status_code)
