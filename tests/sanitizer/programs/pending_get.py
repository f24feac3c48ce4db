# ENVIRONMENTS: openai-1 openai-2 openai-3
# FINDINGS: client-left-open=leak pending-task-destroyed=leak
import asyncio
import importlib
import logging
import socket
import sys

httpx = importlib.import_module("httpx2" if sys.argv[1] == "openai-3" else "httpx")
logging.disable()


async def main():
    global client, tasks
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setblocking(False)
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    begun = asyncio.Event()

    async def begins(response):
        print(response.status_code)
        begun.set()

    client = httpx.AsyncClient(event_hooks={"response": [begins]})  # CREATED
    tasks = [asyncio.ensure_future(client.get(url)) for _ in range(2)]
    for answer in (b"", b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nthe beginning"):
        peer, _ = await loop.sock_accept(listener)
        await loop.sock_recv(peer, 1 << 16)  # the head of the request
        await loop.sock_sendall(peer, answer)
        tasks.append(peer)
    await begun.wait()
    listener.close()


loop = asyncio.new_event_loop()
loop.run_until_complete(main())
loop.close()
