"""`weak-key-cache`: a `WeakKeyDictionary` from loop to client, without anything that closes one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from weakref import WeakKeyDictionary

from diagnostics.experiment.fix import Fix
from diagnostics.experiment.program import Holder


class WeakKeyCache(Fix):
    """One client a loop. An open connection refers to its loop, so the entry keeps its own key alive."""

    name = "weak-key-cache"
    trade_off = "no client meets another loop, but none is closed: each loop leaves its connections open"

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._clients: WeakKeyDictionary[asyncio.AbstractEventLoop, Any] = WeakKeyDictionary()

    def prepare(self, holder: Holder) -> None:
        """Creates no client outside a loop."""

    @asynccontextmanager
    async def client(self, holder: Holder) -> AsyncIterator[Any]:
        """The running loop's client."""
        loop = asyncio.get_running_loop()
        if loop not in self._clients:
            self._clients[loop] = self.build()
        yield self._clients[loop]


FIX = WeakKeyCache
