# ENVIRONMENTS: none
# FINDINGS: none
"""Servers and datagram endpoints of asyncio that are closed, each in its own way."""

import asyncio


async def closed():
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    server.close()
    await server.wait_closed()


async def managed():
    async with await asyncio.start_server(lambda *_: None, "127.0.0.1", 0) as server:
        serving = asyncio.create_task(server.serve_forever())
        await asyncio.sleep(0)
        serving.cancel()


async def datagrams():
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(asyncio.DatagramProtocol, local_addr=("127.0.0.1", 0))
    transport.close()


for each in (closed, managed, datagrams):
    asyncio.run(each())
