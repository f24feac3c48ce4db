"""A provider server begins and ends: a port that is taken, and a process that ends without closing it."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from benchmarks.bridges.behaviours.behaviour import without_slow_steps
from diagnostics.lab.server import ProviderServer, ServerError


def test_a_taken_port_is_one_clear_error() -> None:
    with ProviderServer() as server:
        port = int(server.url.rpartition(":")[2])
        with pytest.raises(ServerError, match=f"port {port} is taken") as caught, ProviderServer(port):
            pytest.fail("two servers on one port")
        assert "\n" not in str(caught.value)
        with pytest.raises(ServerError, match="runs already"):
            server.__enter__()
        assert server.ca_file.exists()
    with pytest.raises(ServerError, match="choose another"), ProviderServer(70_000):
        pytest.fail("there is no such port")
    with ProviderServer(port) as again:  # At once, although old connections may still linger.
        assert again.url == server.url


AT_EXIT = """
import os, sys
from diagnostics.lab.server import ProviderServer
server = ProviderServer().__enter__()
if not os.fork():
    sys.exit()  # A child that ends must not take its parent's folder along.
os.wait()
assert server.ca_file.exists()
print(server.ca_file.parent)
"""


def test_a_server_that_nobody_closed_cleans_up_at_exit(tmp_path: Any) -> None:
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-W", "ignore::DeprecationWarning", "-X", "dev", "-c", AT_EXIT],
        env={"TMPDIR": str(tmp_path), "PATH": ""},
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout.startswith(str(tmp_path))
    assert list(tmp_path.iterdir()) == []
    assert without_slow_steps(ran.stderr) == ""
