# ENVIRONMENTS: none
# FINDINGS: none
"""A thread hands what it writes to the loop that has accepted the connection."""

import asyncio
import threading

peers = []


def beat(loop):
    for writer in peers:
        loop.call_soon_threadsafe(writer.write, b"beat\n")


async def accept(reader, writer):
    peers.append(writer)
    writer.write(b"hello\n")
    await reader.read()
    writer.close()


async def main():
    async with await asyncio.start_server(accept, "127.0.0.1", 0) as server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        print(await reader.readline())
        thread = threading.Thread(target=beat, args=(asyncio.get_running_loop(),))
        thread.start()
        print(await reader.readline())
        await asyncio.to_thread(thread.join)
        writer.close()
        await writer.wait_closed()


asyncio.run(main())
