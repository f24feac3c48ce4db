"""anyio's blocking portal, kept open for the life of the process."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import ExitStack

from anyio.from_thread import start_blocking_portal

from benchmarks.bridges.bridge import Bind, Bridge

_STACK = ExitStack()
_PORTAL = _STACK.enter_context(start_blocking_portal())


def _with_loop(factory: Callable[[], asyncio.AbstractEventLoop]) -> Bind:
    portal = _STACK.enter_context(start_blocking_portal(backend_options={"loop_factory": factory}))
    return lambda work: lambda: portal.call(work)


BRIDGE = Bridge(bind=lambda work: lambda: _PORTAL.call(work), with_loop=_with_loop, close=_STACK.close)
