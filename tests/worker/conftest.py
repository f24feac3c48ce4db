"""A server, the inside zone as the lab lays it out, and environments with a broken `openai` in them."""

from __future__ import annotations

import os
import select
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import uv

from diagnostics.lab.execution.staging import stage_code
from diagnostics.lab.server import ProviderServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SDKS = Path(__file__).parent / "broken_sdks"
PATIENCE = 60
"""Seconds after which a test fails that would otherwise hang."""


@pytest.fixture(scope="session")
def server() -> Iterator[ProviderServer]:
    with ProviderServer() as running:
        yield running


@pytest.fixture(scope="session")
def inside(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return stage_code(tmp_path_factory.mktemp("cache"))


@pytest.fixture
def broken(tmp_path: Path) -> Callable[[str], Path]:
    """Makes an environment whose `openai` is the package of that name; gives its interpreter."""

    def make(name: str) -> Path:
        place = tmp_path / name
        command = [uv.find_uv_bin(), "venv", "--quiet", "--no-project", "--python", sys.executable, str(place)]
        subprocess.run(command, check=True, timeout=PATIENCE)
        (site_packages,) = place.glob("lib/python*/site-packages")
        (site_packages / "broken.pth").write_text(f"{SDKS / 'common'}\n{SDKS / name}\n", encoding="utf-8")
        return place / "bin" / "python"

    return make


class Began:
    """A named pipe in an environment, into which a misbehaving package writes its process's id before it hangs."""

    def __init__(self, python: Path) -> None:
        self._path = python.parent.parent / "began"
        os.mkfifo(self._path)

    def wait(self) -> int:
        """The process's id, as soon as it is there."""
        reader = os.open(self._path, os.O_RDONLY | os.O_NONBLOCK)
        try:
            readable, _, _ = select.select([reader], [], [], PATIENCE)
            assert readable, "it never began"
            return int(os.read(reader, 100))
        finally:
            os.close(reader)


@pytest.fixture
def began() -> type[Began]:
    return Began


@pytest.fixture
def wait_until_gone() -> Callable[[int], None]:
    """Waits for the end of a process that need not be a child; one that nobody has reaped yet is gone too."""

    def wait(pid: int) -> None:
        try:
            descriptor = os.pidfd_open(pid)
        except ProcessLookupError:
            return
        try:
            assert select.select([descriptor], [], [], PATIENCE)[0], f"process {pid} is still there"
        finally:
            os.close(descriptor)

    return wait
