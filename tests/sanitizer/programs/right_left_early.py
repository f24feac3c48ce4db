# ENVIRONMENTS: openai-1 openai-2 openai-3
# FINDINGS: none
import asyncio
import importlib
import sys

from openai import AsyncOpenAI

httpx = importlib.import_module("httpx2" if sys.argv[1] == "openai-3" else "httpx")
httpcore = importlib.import_module("httpcore2" if sys.argv[1] == "openai-3" else "httpcore")


answering, pools = [], []


async def answer(reader, writer):
    """Sends the first piece of a stream, and then nothing more; a plain answer elsewhere."""
    answering.append(asyncio.current_task())
    head = await reader.readuntil(b"\r\n\r\n")
    if b"/whole" in head:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")
    else:
        event = b'data: {"id": "1", "choices": []}\n\n'
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
        writer.write(b"%x\r\n%s\r\n" % (len(event), event))
        await reader.read()  # until the other side closes
    writer.close()


async def in_a_block(client, url):
    async with client.stream("GET", url) as response:
        async for line in response.aiter_lines():
            print(line)
            break
        await client.get(url + "/whole")


async def in_the_end(client, url):
    response = await client.send(client.build_request("GET", url), stream=True)
    try:
        async for piece in response.aiter_raw():
            print(piece)
            break
        await client.get(url + "/whole")
    finally:
        await response.aclose()


async def cancelled(client, url):
    begun = asyncio.Event()

    async def read():
        async with client.stream("GET", url) as response:
            async for piece in response.aiter_bytes():
                print(piece)
                begun.set()

    task = asyncio.ensure_future(read())
    await begun.wait()
    task.cancel()
    print(await asyncio.gather(task, return_exceptions=True))
    await client.get(url + "/whole")


async def of_a_closed_client(client, url):
    async with client.stream("GET", url) as response:
        await client.aclose()
        try:
            await response.aread()
        except httpx.ReadError:
            print("closed")


async def without_a_socket(_, url):
    pieces = [b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", b"whole"]
    pool = httpcore.AsyncConnectionPool(network_backend=httpcore.AsyncMockBackend(pieces))
    print((await pool.request("GET", url)).status)
    pools.append(pool)


async def of_an_sdk(client, url):
    async with AsyncOpenAI(api_key="none", base_url=url, http_client=client) as client_of_sdk:
        messages = [{"role": "user", "content": "one"}]
        async with await client_of_sdk.chat.completions.create(model="m", messages=messages, stream=True) as stream:
            async for chunk in stream:
                print(chunk.id)
                break
            await client.get(url + "/whole")


async def main():
    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        for leave in (in_a_block, in_the_end, cancelled, of_a_closed_client, without_a_socket, of_an_sdk):
            async with httpx.AsyncClient() as client:
                await leave(client, url)
        await asyncio.wait(answering)


asyncio.run(main())
