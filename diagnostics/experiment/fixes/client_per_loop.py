"""`client-per-loop`: a cache of clients keyed by the running loop, each closed with its loop."""

from __future__ import annotations

import asyncio

from diagnostics.experiment.fix import Main
from diagnostics.experiment.per_loop import PerLoop
from diagnostics.experiment.program import Holder


class ClientPerLoop(PerLoop):
    """`LoopLocal`: one client a loop, made on first use there."""

    name = "client-per-loop"
    trade_off = "library code that does not own the loop can use it; a program of many short runs gains no reuse"

    def enter(self, holder: Holder, main: Main) -> None:
        """Uses `asyncio.run` even where the object had a loop of its own: which may never shut down."""
        asyncio.run(main())


FIX = ClientPerLoop
