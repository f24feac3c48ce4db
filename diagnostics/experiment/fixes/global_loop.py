"""`global-loop`: one loop at module level for everything, entered with `run_until_complete`."""

from __future__ import annotations

import asyncio
from typing import Any

from diagnostics.experiment.fix import Fix, Main
from diagnostics.experiment.program import Holder


class GlobalLoop(Fix):
    """One loop for the whole process, and clients closed on it at the end."""

    name = "global-loop"
    trade_off = "simple in a script of one thread; it cannot be entered from two threads or from a running loop"

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._loop = asyncio.new_event_loop()

    def enter(self, holder: Holder, main: Main) -> None:
        """Runs on the one loop."""
        self._loop.run_until_complete(main())

    def finish(self) -> None:
        """Closes the clients on their loop, then the loop."""
        self.tidy(self._loop.run_until_complete)
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()


FIX = GlobalLoop
