# ENVIRONMENTS: openai-2
# FINDINGS: stuck-waiter=note unclosed-at-exit=note
# WAITS: for receive
import asyncio
import os
import signal
import socket

import httpx

client = httpx.AsyncClient(timeout=None)  # CREATED


async def serve(listener):
    loop = asyncio.get_running_loop()
    peer, _ = await loop.sock_accept(listener)
    await loop.sock_recv(peer, 1 << 16)  # the head of the request
    process = os.getppid() if "INSTRUMENTED" in os.environ else os.getpid()  # whom a person would end
    loop.call_soon(os.kill, process, signal.SIGTERM)
    await asyncio.Event().wait()


async def main():
    global task
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setblocking(False)
    task = asyncio.create_task(serve(listener))
    await client.get(f"http://127.0.0.1:{listener.getsockname()[1]}")  # TOUCHED


signal.signal(signal.SIGINT, signal.default_int_handler)
asyncio.run(main())
