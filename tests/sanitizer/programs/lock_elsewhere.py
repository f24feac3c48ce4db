# ENVIRONMENTS: openai-2
# FINDINGS: cross-loop-use=error
# OPERATION: connection.open
import asyncio
import socket
import threading

import httpx

client = httpx.AsyncClient(http2=True, timeout=httpx.Timeout(None, connect=0.3))  # CREATED
listener = socket.create_server(("127.0.0.1", 0))  # takes connections, and never answers
url = f"https://127.0.0.1:{listener.getsockname()[1]}"


async def ask():
    try:
        async with asyncio.timeout(0.6):  # without it the second waits for ever
            await client.get(url)  # TOUCHED
    except (httpx.TransportError, TimeoutError):
        print("no answer")


thread = threading.Thread(target=asyncio.run, args=(ask(),))
thread.start()
listener.accept()  # the first loop is opening its connection
asyncio.run(ask())
thread.join()
