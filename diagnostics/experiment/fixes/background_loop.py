"""`background-loop`: `run_sync` on one persistent loop in a background thread, with one client from `LoopLocal`."""

from __future__ import annotations

from diagnostics.async_tools import run_sync, shutdown
from diagnostics.experiment.fix import Main
from diagnostics.experiment.per_loop import PerLoop
from diagnostics.experiment.program import Holder


class BackgroundLoop(PerLoop):
    """`diagnostics.async_tools` as documented: every coroutine, from any thread, runs on one loop with one client.

    One loop is not enough where a program creates a client for each coroutine or object and drops it, because only the
    program could close those (`global-loop` and `runner` keep such a loop). Hence the client comes from `LoopLocal`.
    """

    name = "background-loop"
    trade_off = "works from any thread and keeps connections warm; each call pays a thread round trip"

    def enter(self, holder: Holder, main: Main) -> None:
        """Runs on the background loop, from any thread."""
        run_sync(main())

    def finish(self) -> None:
        """Stops the loop, which closes its client first."""
        shutdown()
        super().finish()


FIX = BackgroundLoop
