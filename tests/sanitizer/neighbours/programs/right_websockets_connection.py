# SERVER: none
# FINDINGS: none
"""A connection of websockets that each run closes."""

import asyncio
import threading

import websockets
from websockets.sync.server import serve

server = serve(lambda socket: [socket.send(each) for each in socket], "127.0.0.1", 0)
threading.Thread(target=server.serve_forever, daemon=True).start()
URL = "ws://{}:{}".format(*server.socket.getsockname())


async def ask():
    async with websockets.connect(URL) as connection:
        await connection.send("you")
        return await connection.recv()


for _ in range(2):
    print(asyncio.run(ask()))
