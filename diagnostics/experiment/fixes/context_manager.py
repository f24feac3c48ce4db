"""`context-manager`: every run makes its client with `async with` and so closes it on the loop it used."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from diagnostics.experiment.fix import Fix, Main
from diagnostics.experiment.program import Holder


class ContextManager(Fix):
    """A client for each run, closed before the run ends."""

    name = "context-manager"
    trade_off = "nothing outlives its loop; every run pays for new connections and TLS handshakes"

    def prepare(self, holder: Holder) -> None:
        """Creates no client outside a run."""

    def enter(self, holder: Holder, main: Main) -> None:
        """Uses `asyncio.run` even where the object had a loop of its own: nothing is kept that needs one."""
        asyncio.run(main())

    @asynccontextmanager
    async def client(self, holder: Holder) -> AsyncIterator[Any]:
        """Creates the client at the start of the run and closes it at the end, even after an exception."""
        client = self.build()
        try:
            yield client
        finally:
            await self.provider.close(client)


FIX = ContextManager
