"""One `asyncio.Runner` that is kept."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from benchmarks.bridges.bridge import Bind, Bridge

_RUNNER = asyncio.Runner()


def _with_loop(factory: Callable[[], asyncio.AbstractEventLoop]) -> Bind:
    runner = asyncio.Runner(loop_factory=factory)
    return lambda work: lambda: runner.run(work())


BRIDGE = Bridge(bind=lambda work: lambda: _RUNNER.run(work()), with_loop=_with_loop, close=_RUNNER.close)
