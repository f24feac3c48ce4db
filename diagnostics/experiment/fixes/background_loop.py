"""`background-loop`: `run_sync`, one persistent loop in a background thread."""

from __future__ import annotations

from diagnostics import async_tools
from diagnostics.experiment.fix import Fix, Main
from diagnostics.experiment.program import Holder


class BackgroundLoop(Fix):
    """Every coroutine runs on one loop, whichever thread it was called from."""

    name = "background-loop"
    trade_off = "works from any thread and keeps connections warm; each call pays a thread round trip"

    def enter(self, holder: Holder, main: Main) -> None:
        """Always the one loop, from whichever thread."""
        async_tools.run_sync(main())

    def finish(self) -> None:
        """Closes the clients on their loop, then the loop."""
        self.tidy(async_tools.run_sync)
        async_tools.shutdown()


FIX = BackgroundLoop
