# ENVIRONMENTS: none
# FINDINGS: cross-loop-use=error
# OPERATION: transport.write
# SAYS: another thread used a connection that a server accepted without call_soon_threadsafe
"""A thread writes to a connection that the loop of another one has accepted."""

import asyncio
import threading

peers = []


def beat():
    for writer in peers:
        writer.write(b"beat\n")  # TOUCHED


async def accept(reader, writer):
    peers.append(writer)
    writer.write(b"hello\n")
    await reader.read()
    writer.close()


async def main():
    async with await asyncio.start_server(accept, "127.0.0.1", 0) as server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        print(await reader.readline())
        thread = threading.Thread(target=beat)
        thread.start()
        print(await reader.readline())
        await asyncio.to_thread(thread.join)
        writer.close()
        await writer.wait_closed()


asyncio.run(main())
