# SERVER: none
# FINDINGS: cross-loop-use=error client-left-open=leak
# TYPE: aiosmtplib.SMTP
# ADVICE: async with aiosmtplib.SMTP(
"""A client of aiosmtplib that no run closes."""

import asyncio
import socket
import threading

import aiosmtplib

listener = socket.create_server(("127.0.0.1", 0))


def serve():
    while True:
        threading.Thread(target=answer, args=listener.accept(), daemon=True).start()


def answer(peer, _):
    with peer, peer.makefile("rb") as lines:
        peer.sendall(b"220 here\r\n")
        for line in lines:
            peer.sendall(b"221 bye\r\n" if line.upper().startswith(b"QUIT") else b"250 ok\r\n")


threading.Thread(target=serve, daemon=True).start()
PORT = listener.getsockname()[1]
client = aiosmtplib.SMTP(hostname="127.0.0.1", port=PORT, start_tls=False)  # CREATED


async def ask():
    if not client.is_connected:
        await client.connect()
    return (await client.noop()).code


for _ in range(2):
    try:
        print(asyncio.run(ask()))
    except Exception as error:
        print(type(error).__name__)
