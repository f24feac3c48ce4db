# SERVER: none
# FINDINGS: none
"""A client of aiosmtplib that each run closes."""

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


async def ask():
    async with aiosmtplib.SMTP(hostname="127.0.0.1", port=PORT, start_tls=False) as client:
        return (await client.noop()).code


for _ in range(2):
    print(asyncio.run(ask()))
