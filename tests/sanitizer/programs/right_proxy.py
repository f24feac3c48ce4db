# ENVIRONMENTS: openai-1 openai-2 openai-3 frameworks
# FINDINGS: none
# CANNOT-TELL frameworks: uvloop
import asyncio
import contextlib
import gc
import importlib
import os
import ssl
import sys

httpx = importlib.import_module("httpx2" if sys.argv[1] in ("openai-3", "frameworks") else "httpx")
run = importlib.import_module("uvloop").run if sys.argv[1] == "frameworks" else asyncio.run
URL = os.environ["PROVIDER"] + "/openai/v1/models"
HEADERS = {"authorization": "Bearer none", "connection": "close"}
tunnels = []


async def tunnel(reader, writer):
    """A proxy for HTTPS."""
    tunnels.append(asyncio.current_task())
    host, port = (await reader.readuntil(b"\r\n\r\n")).split()[1].decode().split(":")
    there, to_there = await asyncio.open_connection(host, int(port))
    writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
    await asyncio.gather(pass_on(reader, to_there), pass_on(there, writer))


async def pass_on(reader, writer):
    with contextlib.suppress(OSError):
        while piece := await reader.read(1 << 16):
            writer.write(piece)
    writer.close()


async def with_httpx(proxy):
    trust = ssl.create_default_context(cafile=os.environ["SSL_CERT_FILE"])
    async with httpx.AsyncClient(proxy=proxy, verify=trust) as client:
        for _ in range(3):
            print((await client.get(URL, headers=HEADERS)).status_code)
        print((await client.get(URL, headers={**HEADERS, "connection": "keep-alive"})).status_code)


async def without_trust(proxy):
    few, nobody = httpx.Limits(max_connections=1), ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    async with httpx.AsyncClient(proxy=proxy, verify=nobody, limits=few) as client:
        for _ in range(2):  # the first one's tunnel keeps its slot in the pool
            try:
                await client.get(URL, timeout=httpx.Timeout(30, pool=0.01))
            except (httpx.ConnectError, httpx.PoolTimeout) as error:
                print(type(error))


async def with_aiohttp(proxy):
    aiohttp = importlib.import_module("aiohttp")
    trust = ssl.create_default_context(cafile=os.environ["SSL_CERT_FILE"])
    async with (
        aiohttp.ClientSession(headers=HEADERS) as session,
        session.get(URL, ssl=trust, proxy=proxy) as response,
    ):
        print(response.status)


async def main():
    async with await asyncio.start_server(tunnel, "127.0.0.1", 0) as server:
        proxy = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        await with_httpx(proxy)
        await without_trust(proxy)
        if sys.argv[1] in ("openai-2", "frameworks"):
            await with_aiohttp(proxy)
        gc.collect()
        await asyncio.wait(tunnels)


run(main())
