# ENVIRONMENTS: none
# FINDINGS: none
"""A connection closed by sync code between two runs of its loop, and one used from a thread as asyncio has it."""

import asyncio
import socket
import threading

listener = socket.create_server(("127.0.0.1", 0))


def echo():
    for _ in range(2):
        peer, _ = listener.accept()
        with peer:
            while line := peer.recv(100):
                peer.sendall(line)


async def ask(reader, writer):
    writer.write(b"one\n")
    return await reader.readline()


threading.Thread(target=echo, daemon=True).start()
loop = asyncio.new_event_loop()
reader, writer = loop.run_until_complete(asyncio.open_connection(*listener.getsockname()))
print(loop.run_until_complete(ask(reader, writer)))
writer.close()
loop.run_until_complete(writer.wait_closed())


async def other():
    return asyncio.run_coroutine_threadsafe(ask(*connection), loop).result(5)


connection = loop.run_until_complete(asyncio.open_connection(*listener.getsockname()))
thread = threading.Thread(target=loop.run_forever)
thread.start()
print(asyncio.run(other()))
loop.call_soon_threadsafe(connection[1].close)
asyncio.run_coroutine_threadsafe(connection[1].wait_closed(), loop).result(5)
loop.call_soon_threadsafe(loop.stop)
thread.join()
loop.close()
