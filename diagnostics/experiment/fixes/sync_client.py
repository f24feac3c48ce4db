"""`sync-client`: the provider's sync client, with threads where the program wants calls at the same time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from diagnostics.experiment.fix import Fix
from diagnostics.experiment.program import Batch, Holder, Incompatible


class SyncClient(Fix):
    """No event loop at all."""

    name = "sync-client"
    trade_off = "no loop, so nothing to outlive; one thread for each call in flight"

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._clients: list[Any] = []

    def prepare(self, holder: Holder) -> None:
        """One sync client for each holder."""
        holder.client = self.provider.build_sync(self.target, self.options())
        self._clients.append(holder.client)

    def perform_batch(self, batch: Batch) -> None:
        """A pool of threads in place of a loop."""
        self.ledger.ask(batch)
        client = batch.holder.client
        ask = self.provider.abandon_sync if batch.abandon else self.provider.ask_sync

        def call(question: str) -> None:
            try:
                answer = ask(client, self.target, question)
            except Incompatible:
                raise
            except Exception as error:
                self.ledger.error(error)
            else:
                self.ledger.answer(question, answer, partial=batch.abandon)

        with ThreadPoolExecutor(batch.concurrency) as threads:
            for number, wave in enumerate(batch.waves):
                if number and batch.between:
                    batch.between()
                list(threads.map(call, wave))

    def finish(self) -> None:
        """Closes every client; a sync client can be closed anywhere."""
        for client in self._clients:
            self.provider.close_sync(client)


FIX = SyncClient
