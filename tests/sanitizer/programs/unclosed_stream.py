# ENVIRONMENTS: openai-1 openai-2 openai-3
# FINDINGS: abandoned-stream=leak
import asyncio
import importlib
import sys

httpx = importlib.import_module("httpx2" if sys.argv[1] == "openai-3" else "httpx")


async def answer(reader, writer):
    """A whole answer, and then the beginning of one."""
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n")
    await reader.read()  # until the other side closes
    writer.close()
    left.set()


async def main():
    global left
    left = asyncio.Event()
    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server, httpx.AsyncClient() as client:  # CREATED
        async with client.stream("GET", url) as whole:
            print(await whole.aread())
            kept = await client.send(client.build_request("GET", url), stream=True)
            async for piece in kept.aiter_bytes():
                print(piece)
                break
            await left.wait()
        print(kept.status_code)  # held to the end, and never closed


asyncio.run(main())
