"""`background-loop`: `run_sync`, one persistent loop in a background thread, and its one client by `LoopLocal`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from diagnostics.async_tools import LoopLocal, run_sync, shutdown
from diagnostics.experiment.fix import Fix, Main
from diagnostics.experiment.program import Holder


class BackgroundLoop(Fix):
    """The drop-in as README has it: every coroutine on one loop, whichever thread it was called from, with one client.

    One loop alone is not enough where the program makes a client for each coroutine or object and drops it: nobody but
    the program could close those (`global-loop` and `runner` are such loops). Who takes `run_sync` asks for the client.
    """

    name = "background-loop"
    trade_off = "works from any thread and keeps connections warm; each call pays a thread round trip"

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._clients = LoopLocal(self.build, close=self.provider.close)

    def prepare(self, holder: Holder) -> None:
        """No client outside the loop."""

    def enter(self, holder: Holder, main: Main) -> None:
        """Always the one loop, from whichever thread."""
        run_sync(main())

    @asynccontextmanager
    async def client(self, holder: Holder) -> AsyncIterator[Any]:
        """The loop's client."""
        yield await self._clients.get()

    def finish(self) -> None:
        """Ends the loop, which closes its client first."""
        shutdown()


FIX = BackgroundLoop
