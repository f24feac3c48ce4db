# ENVIRONMENTS: openai-2 openai-3
# FINDINGS: client-left-open=leak
# SAYS: 1 connection
import asyncio
import importlib
import os
import socket
import sys

httpx = importlib.import_module("httpx2" if sys.argv[1] == "openai-3" else "httpx")
loop = asyncio.new_event_loop()
listener = socket.create_server(("127.0.0.1", 0))
listener.setblocking(False)
url = f"http://127.0.0.1:{listener.getsockname()[1]}"
peers = []


async def ask(client):
    asked = asyncio.ensure_future(client.get(url))
    peer, _ = await loop.sock_accept(listener)
    await loop.sock_recv(peer, 1 << 16)
    await loop.sock_sendall(peer, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
    print(await asked)
    peers.append(peer)


parents = httpx.AsyncClient()
loop.run_until_complete(ask(parents))
sys.stdout.flush()
child = os.fork()
if child == 0:
    own = httpx.AsyncClient()  # CREATED
    loop.run_until_complete(ask(own))
    loop.close()
    os._exit(0)
print(os.waitpid(child, 0)[1])
loop.run_until_complete(parents.aclose())
loop.close()
