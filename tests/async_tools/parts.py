"""What these tests run: small coroutines, a client that notes who closes it, and programs of their own."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path
from typing import TypeVar

import pytest

from diagnostics.lab.bridges.behaviours.behaviour import without_slow_steps

T = TypeVar("T")

PATIENCE = 60
"""Seconds after which a test fails that would otherwise hang."""

ROOT = Path(__file__).parents[2]
IMPORTS = "import asyncio, atexit, gc, os, signal, sys, threading\nfrom diagnostics.async_tools import *\n"


async def here() -> asyncio.AbstractEventLoop:
    return asyncio.get_running_loop()


async def echo(value: T) -> T:
    await asyncio.sleep(0)
    return value


async def fail(error: BaseException) -> None:
    raise error


class Client:
    """Notes on which loop it was made and closed, and whether that one still ran."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.closed_on: asyncio.AbstractEventLoop | None = None

    async def close(self) -> None:
        await asyncio.sleep(0)
        assert not self.loop.is_closed()
        assert self.closed_on is None
        self.closed_on = asyncio.get_running_loop()


def program(text: str, *options: str, python: Path | str = sys.executable) -> subprocess.Popen[str]:
    """Starts a program that sees this project, with every warning printed as `-X dev` does, and more."""
    return subprocess.Popen(
        [python, *options, "-c", IMPORTS + text],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(process: subprocess.Popen[str]) -> tuple[str, str, int]:
    """What it printed to both streams, slow steps left out, and its status."""
    try:
        output, errors = process.communicate(timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        output, errors = process.communicate()
        pytest.fail(f"the program did not end; it printed {output!r} and {errors!r}")
    return output, without_slow_steps(errors), process.returncode
