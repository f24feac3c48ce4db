# ENVIRONMENTS: none
# FINDINGS: none
"""A server and its client on one loop: what the server accepts is the peer's to close."""

import asyncio


async def serve(reader, writer):
    while line := await reader.readline():
        writer.write(line)


async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    writer.write(b"one\n")
    print(await reader.readline())
    writer.close()
    server.close()


for _ in range(2):
    asyncio.run(main())
