"""`diagnostics.async_tools`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from benchmarks.bridges.bridge import Bind, Bridge
from diagnostics.async_tools import LoopLocal, PersistentLoop, run_sync, to_sync


def _with_loop(factory: Callable[[], asyncio.AbstractEventLoop]) -> Bind:
    persistent = PersistentLoop(loop_factory=factory)
    return lambda work: lambda: persistent.run(work())


BRIDGE = Bridge(
    bind=lambda work: lambda: run_sync(work()),
    timed=lambda work, seconds: run_sync(work(), timeout=seconds),
    iterate=lambda function: to_sync(function)(),
    decorate=to_sync,
    with_loop=_with_loop,
    keep=lambda make, close: LoopLocal(make, close=close).get,
)
