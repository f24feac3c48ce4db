"""`background-loop`: `run_sync`, one persistent loop in a background thread, and its one client by `LoopLocal`."""

from __future__ import annotations

from diagnostics.async_tools import run_sync, shutdown
from diagnostics.experiment.fix import Main
from diagnostics.experiment.per_loop import PerLoop
from diagnostics.experiment.program import Holder


class BackgroundLoop(PerLoop):
    """The drop-in as README has it: every coroutine on one loop, whichever thread it was called from, with one client.

    One loop alone is not enough where the program makes a client for each coroutine or object and drops it: nobody but
    the program could close those (`global-loop` and `runner` are such loops). Who takes `run_sync` asks for the client.
    """

    name = "background-loop"
    trade_off = "works from any thread and keeps connections warm; each call pays a thread round trip"

    def enter(self, holder: Holder, main: Main) -> None:
        """Always the one loop, from whichever thread."""
        run_sync(main())

    def finish(self) -> None:
        """Ends the loop, which closes its client first."""
        shutdown()
        super().finish()


FIX = BackgroundLoop
