"""The plain form that answers on the web give: a loop in a daemon thread, `run_coroutine_threadsafe`, `result()`."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

from benchmarks.bridges.bridge import Bind, Bridge, Work


def _started(loop: asyncio.AbstractEventLoop) -> asyncio.AbstractEventLoop:
    threading.Thread(target=loop.run_forever, daemon=True).start()
    return loop


_LOOP = _started(asyncio.new_event_loop())


def _timed(work: Work, seconds: float) -> Any:
    return asyncio.run_coroutine_threadsafe(work(), _LOOP).result(seconds)


def _with_loop(factory: Callable[[], asyncio.AbstractEventLoop]) -> Bind:
    loop = _started(factory())
    return lambda work: lambda: asyncio.run_coroutine_threadsafe(work(), loop).result()


BRIDGE = Bridge(
    bind=lambda work: lambda: asyncio.run_coroutine_threadsafe(work(), _LOOP).result(),
    timed=_timed,
    with_loop=_with_loop,
)
