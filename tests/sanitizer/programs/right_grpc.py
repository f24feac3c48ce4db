# ENVIRONMENTS: neighbours
# FINDINGS: none
"""A channel of gRPC in each run; one is closed by `async with`, one by its method."""

import asyncio
import os
from concurrent import futures

os.environ["GRPC_VERBOSITY"] = "NONE"  # or its C code may log how the server ends
import grpc


def serve():
    server = grpc.server(futures.ThreadPoolExecutor(1))
    hello = grpc.unary_unary_rpc_method_handler(lambda request, _: b"hi " + request)
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("t.T", {"Hello": hello}),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    return server, f"127.0.0.1:{port}"


async def ask():
    async with grpc.aio.insecure_channel(address) as channel:
        return await channel.unary_unary("/t.T/Hello")(b"you", timeout=30)


async def ask_again():
    channel = grpc.aio.insecure_channel(address)
    try:
        return await channel.unary_unary("/t.T/Hello")(b"you", timeout=30)
    finally:
        await channel.close()


server, address = serve()
print(asyncio.run(ask()))
print(asyncio.run(ask_again()))
server.stop(None).wait()
