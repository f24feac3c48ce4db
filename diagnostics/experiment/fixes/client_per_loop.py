"""`client-per-loop`: a cache of clients keyed by the running loop, each closed with its loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from diagnostics.async_tools import LoopLocal
from diagnostics.experiment.fix import Fix, Main
from diagnostics.experiment.program import Holder


class ClientPerLoop(Fix):
    """`LoopLocal`: one client a loop, made on first use there."""

    name = "client-per-loop"
    trade_off = "library code that does not own the loop can use it; a program of many short runs gains no reuse"

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._clients = LoopLocal(self.build, close=self.provider.close)

    def prepare(self, holder: Holder) -> None:
        """No client outside a loop."""

    def enter(self, holder: Holder, main: Main) -> None:
        """By `asyncio.run`, also where the object had a loop: one that nobody shuts down closes no client."""
        asyncio.run(main())

    @asynccontextmanager
    async def client(self, holder: Holder) -> AsyncIterator[Any]:
        """The running loop's client."""
        yield await self._clients.get()


FIX = ClientPerLoop
