"""Base of the fixes that get their client from a `LoopLocal`: one client per loop, closed with it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from diagnostics.async_tools import LoopLocal
from diagnostics.experiment.fix import Fix
from diagnostics.experiment.program import Holder, Incompatible


class PerLoop(Fix):
    """The running loop's client, whatever the program holds or drops."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._clients = LoopLocal(self.build, close=self._close)
        self._refused: Incompatible | None = None

    def prepare(self, holder: Holder) -> None:
        """Creates no client outside a loop."""

    @asynccontextmanager
    async def client(self, holder: Holder) -> AsyncIterator[Any]:
        """The running loop's client."""
        yield await self._clients.get()

    async def _close(self, client: Any) -> None:
        try:
            await self.provider.close(client)
        except Incompatible as error:
            self._refused = error  # raised here, at the end of a loop, it would look like a symptom

    def finish(self) -> None:
        """Raises `Incompatible` if the clients could not be closed."""
        if self._refused is not None:
            raise self._refused
