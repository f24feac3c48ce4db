"""The database servers of this machine, started for a run and gone with it."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from diagnostics.lab.server.installed import POSTGRESQL, REDIS, NotInstalledError
from diagnostics.lab.server.provider_server import ServerError

HELD = """
from diagnostics.lab.server.installed import REDIS
with REDIS.running() as server:
    print(server.url, flush=True)
    input()
"""


def ask_redis(url: str) -> bytes:
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(url.removeprefix("unix://"))
        client.sendall(b"PING\r\n")
        return client.recv(64)


def test_redis_answers(redis_url: str) -> None:
    assert ask_redis(redis_url) == b"+PONG\r\n"


def test_postgresql_answers(postgresql_url: str) -> None:
    psql = shutil.which("psql") or POSTGRESQL.find().with_name("psql")
    done = subprocess.run([psql, postgresql_url, "-Atc", "select 6 * 7"], capture_output=True, text=True, check=True)
    assert done.stdout == "42\n"


def test_a_server_that_is_not_installed_says_how_to_install_it() -> None:
    missing = replace(REDIS, binary="no-such-server")
    with pytest.raises(NotInstalledError, match="apt-get install redis-server"), missing.running():
        pass


def test_a_server_that_cannot_start_says_why(redis_url: str) -> None:
    wrong = replace(REDIS, arguments=("--no-such-option", "yes"))
    with pytest.raises(ServerError, match="did not start"), wrong.running():
        pass


def test_nothing_is_left_of_a_server(redis_url: str) -> None:
    with REDIS.running() as server:
        socket_file = Path(server.url.removeprefix("unix://"))
        assert socket_file.exists()
    assert not socket_file.parent.exists()
    with pytest.raises(OSError, match="No such file"):
        ask_redis(server.url)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="elsewhere a server outlives a parent that is killed")
def test_a_server_ends_when_its_parent_is_killed(redis_url: str) -> None:
    command = [sys.executable, "-c", HELD]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        url = parent.stdout.readline().strip()
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(url.removeprefix("unix://"))
            client.sendall(b"PING\r\n")
            assert client.recv(64) == b"+PONG\r\n"
            os.kill(parent.pid, signal.SIGKILL)
            with contextlib.suppress(ConnectionResetError):
                assert client.recv(64) == b""  # the kernel closes it when the server has gone
    shutil.rmtree(Path(url.removeprefix("unix://")).parent)
