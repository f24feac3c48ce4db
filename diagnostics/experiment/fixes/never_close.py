"""`never-close`: a new loop for each run, and no loop is ever closed."""

from __future__ import annotations

import asyncio
from typing import Any

from diagnostics.experiment.fix import Fix, Main
from diagnostics.experiment.program import Holder


class NeverClose(Fix):
    """`asyncio.run` without its last line. The loops are kept, because the collector would close a dropped one."""

    name = "never-close"
    trade_off = (
        "no loop is closed, so none can be closed too early; every run leaves its descriptors and threads behind"
    )

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._loops: list[asyncio.AbstractEventLoop] = []

    def enter(self, holder: Holder, main: Main) -> None:
        """A new loop each time."""
        loop = asyncio.new_event_loop()
        self._loops.append(loop)
        loop.run_until_complete(main())


FIX = NeverClose
