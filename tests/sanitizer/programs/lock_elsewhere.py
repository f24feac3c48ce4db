# ENVIRONMENTS: openai-2
# FINDINGS: cross-loop-use=error
# OPERATION: connection.open
import asyncio
import contextlib
import socket
import threading

import httpx

client = httpx.AsyncClient(http2=True, timeout=None)  # CREATED
listener = socket.create_server(("127.0.0.1", 0))  # takes connections, and never answers
url = f"https://127.0.0.1:{listener.getsockname()[1]}"


async def ask():
    try:
        await client.get(url)  # TOUCHED
    except httpx.TransportError:
        print("no answer")


async def ask_too():
    asking = asyncio.create_task(ask())
    for _ in range(100):
        await asyncio.sleep(0)
    first.close()  # the second waits for that connection by now, and would for ever
    await asyncio.to_thread(thread.join)
    asking.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await asking


thread = threading.Thread(target=asyncio.run, args=(ask(),))
thread.start()
first, _ = listener.accept()  # the first loop is opening its connection
asyncio.run(ask_too())
