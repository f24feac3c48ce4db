"""The servers that programs of `libraries` talk to, besides PostgreSQL and Redis on sockets: run in their environment.

Prints the addresses as JSON in one line, and ends with its standard input. A server that is not installed is left out.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import asyncssh
import grpc
import grpc.aio
from aiohttp import web


def free_port(below: int = 65536) -> int:
    while True:
        with socket.create_server(("127.0.0.1", 0)) as found:
            port = int(found.getsockname()[1])
        if port < below:
            return port


def start(*command: str) -> subprocess.Popen[bytes] | None:
    found = shutil.which(command[0], path=f"{os.environ['PATH']}:/usr/sbin")
    if found is None:
        return None
    quiet: Any = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.DEVNULL)
    return subprocess.Popen([found, *command[1:]], **quiet)


def is_up(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True


def installed(folder: Path) -> tuple[dict[str, str], list[subprocess.Popen[bytes]]]:
    """Starts the programs of this machine."""
    nats, mqtt, redis = free_port(), free_port(), free_port()
    cluster = free_port(55000)  # a node listens 10,000 above, too
    (folder / "mqtt.conf").write_text(f"listener {mqtt} 127.0.0.1\nallow_anonymous true\n")
    server = ("redis-server", "--bind", "127.0.0.1", "--save", "", "--dir", str(folder), "--port")
    commands = {
        "NATS": (nats, f"nats://127.0.0.1:{nats}", ("nats-server", "-a", "127.0.0.1", "-p", str(nats))),
        "MQTT": (mqtt, str(mqtt), ("mosquitto", "-c", str(folder / "mqtt.conf"))),
        "REDIS_TCP": (redis, f"redis://127.0.0.1:{redis}", (*server, str(redis))),
        "REDIS_CLUSTER": (
            cluster,
            f"redis://127.0.0.1:{cluster}",
            (*server, str(cluster), "--cluster-enabled", "yes", "--cluster-config-file", "nodes.conf"),
        ),
    }
    names, started = {}, []
    for name, (port, address, command) in commands.items():
        process = start(*command)
        if process is not None:
            started.append(process)
            names[name] = address
            while not is_up(port):  # none of them says when it listens
                if process.poll() is not None:
                    raise RuntimeError(f"{command[0]} ended with {process.returncode}")
                time.sleep(0.05)
    if "REDIS_CLUSTER" in names:
        slots = ("redis-cli", "-p", str(cluster), "cluster", "addslotsrange", "0", "16383")
        subprocess.run(slots, check=True, stdout=subprocess.DEVNULL)
    return names, started


class AnyUser(asyncssh.SSHServer):
    def begin_auth(self, username: str) -> bool:
        return False


async def here() -> dict[str, str]:
    """Starts the servers of this process."""
    keys = [asyncssh.generate_private_key("ssh-ed25519")]
    acceptor = await asyncssh.listen("127.0.0.1", 0, server_host_keys=keys, server_factory=AnyUser, sftp_factory=True)
    application = web.Application()

    async def answer(_: web.Request) -> web.Response:
        return web.Response(text="<ok/>", content_type="application/xml")

    application.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    server = grpc.aio.server()

    async def say(request: bytes, _: Any) -> bytes:
        return request

    methods = {"Say": grpc.unary_unary_rpc_method_handler(say)}
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("test.Echo", methods),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    kept.append(server)
    http = "http://{}:{}".format(*runner.addresses[0])
    return {"SSH": str(acceptor.get_port()), "HTTP": http, "GRPC": f"127.0.0.1:{port}"}


kept: list[Any] = []
"""Servers that the collector must not close."""


async def main(names: dict[str, str]) -> None:
    print(json.dumps(names | await here()), flush=True)
    await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        addresses, processes = installed(Path(folder))
        try:
            asyncio.run(main(addresses))
        finally:
            for each in processes:
                each.terminate()
                each.wait()
