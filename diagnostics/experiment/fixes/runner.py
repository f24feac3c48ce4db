"""`runner`: one `asyncio.Runner` kept for the whole program."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

from diagnostics.experiment.fix import Fix, Main
from diagnostics.experiment.program import Holder


class KeptRunner(Fix):
    """The standard library's own answer to several runs on one loop."""

    name = "runner"
    trade_off = "the standard library's way for a single-threaded script; needs Python 3.11"
    needs = (3, 11)

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        if sys.version_info >= (3, 11):
            self._runner = asyncio.Runner()

    def enter(self, holder: Holder, main: Main) -> None:
        """Runs on the one runner."""
        self._runner.run(main())

    def finish(self) -> None:
        """Closes the clients on the runner's loop, then the runner."""
        self.tidy(self._runner.run)
        self._runner.close()


FIX = KeptRunner
