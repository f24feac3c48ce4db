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
    trade_off = "fits objects that keep their client; whoever forgets one `finally` has the error back"

    def prepare(self, holder: Holder) -> None:
        """The client is lazy: a closed one cannot be used again."""

    @asynccontextmanager
    async def client(self, holder: Holder) -> AsyncIterator[Any]:
        """Lazily made, kept by the holder during the run, closed at its end."""
        # A batch at the same time in another thread makes its own: the attribute is only the last one.
        client = holder.client = self.build()
        try:
            yield client
        finally:
            holder.client = None
            await self.provider.close(client)


FIX = ExplicitClose
