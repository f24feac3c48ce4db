"""`loop-id-cache`: a dictionary from `id(loop)` to client."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from diagnostics.experiment.fix import Fix
from diagnostics.experiment.program import Holder


class LoopIdCache(Fix):
    """One client for each identity of a loop, which a new loop may take over from one that was freed."""

    name = "loop-id-cache"
    trade_off = "none is closed, and a new loop with the id of a freed one gets a client of the dead loop"

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._clients: dict[int, Any] = {}

    def prepare(self, holder: Holder) -> None:
        """Creates no client outside a loop."""

    @asynccontextmanager
    async def client(self, holder: Holder) -> AsyncIterator[Any]:
        """The client of whichever loop had this identity first."""
        key = id(asyncio.get_running_loop())
        if key not in self._clients:
            self._clients[key] = self.build()
        yield self._clients[key]


FIX = LoopIdCache
