"""The base class of fixes, which is also the baseline: it does what the programs in bug reports do.

A scenario says which calls a program makes; a fix says how. It overrides only what it changes: how a loop is entered
(`enter`), where a run gets its client (`client`), how a client is built (`options`), what happens at the end of the
program (`finish`), or how all steps are played (`play`). So every fix works with every scenario.
"""

from __future__ import annotations

import asyncio
import os
import pickle
import sys
import threading
import weakref
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, ClassVar

from diagnostics.experiment.program import (
    END,
    Batch,
    CallLedger,
    CallTarget,
    End,
    Holder,
    InChild,
    Incompatible,
    Program,
    Step,
    Together,
    describe,
)
from diagnostics.experiment.provider import ClientOptions, Provider

Main = Callable[[], Coroutine[Any, Any, None]]


class Fix:
    """The baseline, and the base of every fix.

    Attributes:
        name: the word in the tables.
        trade_off: what it costs and when to use it, in a sentence.
        needs: the oldest Python it works on.
    """

    name: ClassVar[str]
    trade_off: ClassVar[str]
    needs: ClassVar[tuple[int, int]] = (3, 10)

    def __init__(self, provider: Provider, target: CallTarget, ledger: CallLedger, retries: int) -> None:
        if sys.version_info < self.needs:
            raise Incompatible(f"{self.name} needs Python {self.needs[0]}.{self.needs[1]} or newer")
        self.provider = provider
        self.target = target
        self.ledger = ledger
        self.retries = retries
        # In order of creation, by weak reference: a fix closes only the clients that the program still holds.
        self._holders: list[weakref.ref[Holder]] = []

    # How clients are made and where they live.

    def options(self) -> ClientOptions:
        """How this fix builds its clients."""
        return ClientOptions(retries=self.retries)

    def build(self) -> Any:
        """A new async client."""
        return self.provider.build(self.target, self.options())

    def prepare(self, holder: Holder) -> None:
        """Called when the program creates a holder; creates the client right away if it lives at module level."""
        self._holders.append(weakref.ref(holder))
        if holder.place == "module" and not holder.own_loop:
            holder.client = self.build()

    @asynccontextmanager
    async def client(self, holder: Holder) -> AsyncIterator[Any]:
        """The client for one run, inside its loop. The baseline never closes one."""
        if holder.place == "coroutine":
            yield self.build()
            return
        if holder.client is None:
            holder.client = self.build()
        yield holder.client

    # How a loop is entered.

    def enter(self, holder: Holder, main: Main) -> None:
        """Runs one coroutine from sync code."""
        if holder.own_loop:
            self.enter_own_loop(holder, main)
        else:
            asyncio.run(main())

    def enter_own_loop(self, holder: Holder, main: Main) -> None:
        """Runs one coroutine on a loop that the holder creates once and keeps."""
        if holder.loop is None or holder.loop.is_closed():
            holder.loop = asyncio.new_event_loop()
            asyncio.set_event_loop(holder.loop)
        holder.loop.run_until_complete(main())

    # How the steps are performed.

    def play(self, program: Program) -> None:
        """Performs a program from its first step to its end."""
        while True:
            step = next(program, END)
            if isinstance(step, End):
                return
            self.perform(step)
            # Otherwise this frame keeps the step's client alive while the program goes on to drop it.
            del step

    def perform(self, step: Step) -> None:
        """Performs one step from sync code."""
        if isinstance(step, Together):
            in_threads([lambda batch=batch: self.perform_batch(batch) for batch in step.batches])  # type: ignore[misc]
        elif isinstance(step, InChild):
            in_child(self.ledger, lambda: self.perform_batch(step.batch))
        elif isinstance(step, Batch):
            self.perform_batch(step)

    def perform_batch(self, batch: Batch) -> None:
        """Enters the loop once; an exception is recorded and the program continues."""
        self.ledger.ask(batch)
        caller_made = batch.holder.place == "caller" and batch.holder.client is None
        try:
            self.enter(batch.holder, lambda: self.run(batch))
        except Incompatible:
            raise
        except Exception as error:
            self.ledger.error(error)
        finally:
            if caller_made:  # the function that made it returns
                batch.holder.client = None

    async def run(self, batch: Batch) -> None:
        """The calls of one batch, inside a loop."""
        async with self.client(batch.holder) as client:
            await self.calls(client, batch)

    async def calls(self, client: Any, batch: Batch) -> None:
        """Asks every question once, at most `concurrency` at a time; a call that raises does not stop the others."""
        slots = asyncio.Semaphore(batch.concurrency)
        ask = self.provider.abandon if batch.abandon else self.provider.ask

        async def call(question: str) -> None:
            async with slots:
                try:
                    answer = await ask(client, self.target, question)
                except Incompatible:
                    raise
                except Exception as error:
                    self.ledger.error(error)
                else:
                    self.ledger.answer(question, answer, partial=batch.abandon)

        for number, wave in enumerate(batch.waves):
            if number and batch.between:
                batch.between()
            await asyncio.gather(*(call(question) for question in wave))

    # The end of the program.

    def finish(self) -> None:
        """Called after the last run. The baseline does nothing."""

    async def close_held(self) -> None:
        """Closes every client that the program still holds, inside the running loop."""
        for reference in self._holders:
            holder = reference()
            if holder is not None and holder.client is not None:
                client, holder.client = holder.client, None
                await self.provider.close(client)

    def tidy(self, enter: Callable[[Coroutine[Any, Any, None]], object]) -> None:
        """Runs `close_held` with `enter`; an exception is recorded like that of a call."""
        try:
            enter(self.close_held())
        except Incompatible:
            raise
        except Exception as error:
            self.ledger.error(error)


def in_threads(jobs: list[Callable[[], None]]) -> None:
    """Runs each job in a thread and waits for all; raises the first `Incompatible`."""
    refused: list[Incompatible] = []

    def guarded(job: Callable[[], None]) -> None:
        try:
            job()
        except Incompatible as error:
            refused.append(error)

    threads = [threading.Thread(target=guarded, args=(job,)) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if refused:
        raise refused[0]


def in_child(ledger: CallLedger, job: Callable[[], None]) -> None:
    """Runs a job in a forked child and adds the child's counts to the ledger.

    The child ends with `os._exit`, as a `multiprocessing` child does, so that nothing of the parent is finalised twice.
    """
    before = CallLedger(ledger.calls, ledger.answers, list(ledger.errors))
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.close(reader)
            job()
            counted = (
                ledger.calls - before.calls,
                ledger.answers - before.answers,
                ledger.errors[len(before.errors) :],
            )
            with os.fdopen(writer, "wb") as pipe:
                pipe.write(pickle.dumps(counted))
            status = 0
        except BaseException as error:
            sys.stderr.write(f"in the forked child: {describe(error)}\n")
        finally:
            sys.stderr.flush()
            os._exit(status)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        data = pipe.read()
    _, status = os.waitpid(child, 0)
    if data:
        ledger.add(*pickle.loads(data))  # noqa: S301 - from our own child
    else:
        code = os.waitstatus_to_exitcode(status)
        ledger.errors.append(f"ChildProcessError: the forked child ended with status {code} and no result")
