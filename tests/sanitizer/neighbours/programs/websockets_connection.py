# SERVER: none
# FINDINGS: cross-loop-use=error client-left-open=leak
# TYPE: websockets.asyncio.client.ClientConnection
# ADVICE: async with await websockets.connect(
"""A connection of websockets that no run closes."""

import asyncio
import threading

import websockets
from websockets.sync.server import serve

server = serve(lambda socket: [socket.send(each) for each in socket], "127.0.0.1", 0)
threading.Thread(target=server.serve_forever, daemon=True).start()
URL = "ws://{}:{}".format(*server.socket.getsockname())
connection = None


async def ask():
    global connection
    if connection is None:
        connection = await websockets.connect(URL)  # CREATED
    await connection.send("you")
    return await connection.recv()


for _ in range(2):
    try:
        print(asyncio.run(ask()))
    except Exception as error:
        print(type(error).__name__)
