# ENVIRONMENTS: openai-2
# FINDINGS: stuck-waiter=note unclosed-at-exit=note
# WAITS: for receive
import asyncio
import os
import signal

import httpx

client = httpx.AsyncClient(timeout=None)  # CREATED


async def serve(reader, writer):
    await reader.readuntil(b"\r\n\r\n")
    process = os.getppid() if "INSTRUMENTED" in os.environ else os.getpid()  # whom a person would end
    asyncio.get_running_loop().call_soon(os.kill, process, signal.SIGTERM)
    await asyncio.Event().wait()


async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    await client.get(f"http://{host}:{port}")  # TOUCHED


signal.signal(signal.SIGINT, signal.default_int_handler)
asyncio.run(main())
