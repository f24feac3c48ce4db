# ENVIRONMENTS: neighbours
# FINDINGS: use-after-loop-close=error client-left-open=leak
# CLOSER: async with
"""A channel of gRPC, whose I/O is not asyncio's, that is kept over two runs."""

import asyncio
import os
from concurrent import futures

os.environ["GRPC_VERBOSITY"] = "NONE"  # or its C code may log how the server ends
import grpc

channel = None


def serve():
    server = grpc.server(futures.ThreadPoolExecutor(1))
    hello = grpc.unary_unary_rpc_method_handler(lambda request, _: b"hi " + request)
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("t.T", {"Hello": hello}),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    return server, f"127.0.0.1:{port}"


async def ask():
    global channel
    if channel is None:
        channel = grpc.aio.insecure_channel(address)  # CREATED
    return await channel.unary_unary("/t.T/Hello")(b"you", timeout=30)  # TOUCHED


server, address = serve()
for _ in range(2):
    try:
        print(asyncio.run(ask()))
    except RuntimeError as error:
        print(type(error).__name__)
server.stop(None).wait()
