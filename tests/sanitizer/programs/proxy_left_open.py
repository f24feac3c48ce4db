# ENVIRONMENTS: openai-2 openai-3
# FINDINGS: client-left-open=leak
# SAYS: 1 connection
import asyncio
import contextlib
import importlib
import os
import ssl
import sys

httpx = importlib.import_module("httpx2" if sys.argv[1] == "openai-3" else "httpx")


async def tunnel(reader, writer):
    """A proxy for HTTPS."""
    host, port = (await reader.readuntil(b"\r\n\r\n")).split()[1].decode().split(":")
    there, to_there = await asyncio.open_connection(host, int(port))
    writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
    await asyncio.gather(pass_on(reader, to_there), pass_on(there, writer))


async def pass_on(reader, writer):
    with contextlib.suppress(OSError, asyncio.CancelledError):
        while piece := await reader.read(1 << 16):
            writer.write(piece)
    writer.close()


async def main():
    server = await asyncio.start_server(tunnel, "127.0.0.1", 0)
    proxy = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    trust = ssl.create_default_context(cafile=os.environ["SSL_CERT_FILE"])
    global client
    client = httpx.AsyncClient(proxy=proxy, verify=trust)  # CREATED
    for after in ("close", "close", "keep-alive"):
        headers = {"authorization": "Bearer none", "connection": after}
        print((await client.get(os.environ["PROVIDER"] + "/openai/v1/models", headers=headers)).status_code)
    server.close()


asyncio.run(main())
