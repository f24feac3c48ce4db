# ENVIRONMENTS: none
# FINDINGS: cross-loop-use=error client-left-open=leak
# OPERATION: transport.write
"""A connection of asyncio's streams that is kept over two runs."""

import asyncio
import socket
import threading

listener = socket.create_server(("127.0.0.1", 0))
connection = None


def echo():
    peer, _ = listener.accept()
    with peer:
        while line := peer.recv(100):
            peer.sendall(line)


async def ask(text):
    global connection
    if connection is None:
        connection = await asyncio.open_connection(*listener.getsockname())  # CREATED
    reader, writer = connection
    writer.write(text)  # TOUCHED
    return await asyncio.wait_for(reader.readline(), 5)


threading.Thread(target=echo, daemon=True).start()
for text in (b"one\n", b"two\n"):
    try:
        print(asyncio.run(ask(text)))
    except RuntimeError as error:
        print(type(error).__name__)
