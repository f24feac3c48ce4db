"""`asyncio.run`: a new loop a call."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from typing import Any

from benchmarks.bridges.bridge import Bind, Bridge


def _with_loop(factory: Callable[[], asyncio.AbstractEventLoop]) -> Bind:
    options: dict[str, Any] = {"loop_factory": factory}
    return lambda work: lambda: asyncio.run(work(), **options)


BRIDGE = Bridge(
    bind=lambda work: lambda: asyncio.run(work()), with_loop=_with_loop if sys.version_info >= (3, 12) else None
)
