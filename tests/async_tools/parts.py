"""What these tests run: small coroutines, a client that notes who closes it, and programs of their own."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import ParamSpec, TypeVar

import pytest

from benchmarks.bridges.behaviours.behaviour import without_slow_steps

T = TypeVar("T")
P = ParamSpec("P")

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


class ThreadEach(ThreadPoolExecutor):
    """A thread for each call. A plain executor may take a busy thread for an idle one, and the call then waits for it.

    https://github.com/python/cpython/issues/88354; seen in one of 25,000 executors without the GIL.
    """

    def __init__(self) -> None:
        super().__init__(1)
        self._begun: list[threading.Thread] = []

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        result: Future[T] = Future()

        def run() -> None:
            if result.set_running_or_notify_cancel():
                try:
                    result.set_result(fn(*args, **kwargs))
                except BaseException as error:  # noqa: BLE001 - whoever waits gets it
                    result.set_exception(error)

        self._begun.append(threading.Thread(target=run))
        self._begun[-1].start()
        return result

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        super().shutdown(wait, cancel_futures=cancel_futures)
        for thread in self._begun if wait else ():
            thread.join()


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
