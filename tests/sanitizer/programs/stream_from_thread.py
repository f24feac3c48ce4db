# ENVIRONMENTS: none
# FINDINGS: cross-loop-use=error
# OPERATION: transport.write
# SAYS: another thread used a connection of asyncio.StreamWriter
"""A thread writes to a connection that the loop of another one has opened."""

import asyncio
import threading


def beat(writer):
    writer.write(b"beat\n")  # TOUCHED


async def echo(reader, writer):
    writer.write(await reader.readline())
    writer.close()


async def main():
    async with await asyncio.start_server(echo, "127.0.0.1", 0) as server:
        host, port = server.sockets[0].getsockname()
        reader, writer = await asyncio.open_connection(host, port)  # CREATED
        thread = threading.Thread(target=beat, args=(writer,))
        thread.start()
        await asyncio.to_thread(thread.join)
        print(await reader.readline())
        writer.close()
        await writer.wait_closed()


asyncio.run(main())
