"""`explicit-close`: the held client is closed at the end of every run, and made again by the next."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from diagnostics.experiment.fix import Fix
from diagnostics.experiment.program import Holder


class ExplicitClose(Fix):
    """`await client.close()` in a `finally`, with the client still an attribute."""

    name = "explicit-close"
    trade_off = "fits objects that keep their client; forget one `finally` and the error returns"

    def prepare(self, holder: Holder) -> None:
        """Creates no client yet: a closed one cannot be used again."""

    @asynccontextmanager
    async def client(self, holder: Holder) -> AsyncIterator[Any]:
        """Creates the client for one run, keeps it in the holder, and closes it when the run ends."""
        # A batch running in another thread creates its own client: the attribute holds only the last one.
        client = holder.client = self.build()
        try:
            yield client
        finally:
            holder.client = None
            await self.provider.close(client)


FIX = ExplicitClose
