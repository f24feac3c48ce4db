"""`single-run`: one `asyncio.run` around the whole program."""

from __future__ import annotations

import asyncio

from diagnostics.experiment.fix import Fix, in_child
from diagnostics.experiment.program import END, Batch, End, InChild, Incompatible, Program, Step, Together


class SingleRun(Fix):
    """The program is async from top to bottom: one loop, and the clients are closed before it ends."""

    name = "single-run"
    trade_off = "the cleanest where the whole program can be async; every caller has to be"

    def play(self, program: Program) -> None:
        """Every step inside one loop."""
        asyncio.run(self._main(program))

    async def _main(self, program: Program) -> None:
        while True:
            step = next(program, END)
            if isinstance(step, End):
                break
            await self._perform(step)
            del step
        try:
            await self.close_held()
        except Incompatible:
            raise
        except Exception as error:
            self.ledger.error(error)

    async def _perform(self, step: Step) -> None:
        if isinstance(step, Together):
            await asyncio.gather(*(self._batch(batch) for batch in step.batches))
        elif isinstance(step, InChild):
            # A child cannot continue its parent's running loop: it has to start one of its own.
            in_child(self.ledger, lambda: self.perform_batch(step.batch))
        elif isinstance(step, Batch):
            await self._batch(step)

    async def _batch(self, batch: Batch) -> None:
        self.ledger.ask(batch)
        try:
            await self.run(batch)
        except Incompatible:
            raise
        except Exception as error:
            self.ledger.error(error)
        finally:
            if batch.holder.place == "caller":
                batch.holder.client = None


FIX = SingleRun
