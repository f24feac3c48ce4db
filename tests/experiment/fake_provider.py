"""A provider that lives in memory: it answers at once, and notes on which loop each client was built, asked and closed.

It keeps the loops it has met, so that numbers stay unique and a test can close what a fix has left open on purpose; it
keeps no client.
"""

from __future__ import annotations

import asyncio
import threading
import weakref
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from diagnostics.experiment.program import ECHO, CallLedger, CallTarget, Stage

if TYPE_CHECKING:
    from diagnostics.experiment.fix import Fix
    from diagnostics.experiment.provider import ClientOptions
    from diagnostics.experiment.scenario import Scenario
    from diagnostics.model.cell import Load

NO_LOOP = 0


class FakeClient:
    """Holds nothing but its number."""

    def __init__(self, number: int, options: ClientOptions) -> None:
        self.number = number
        self.options = options


@dataclass
class Life:
    """What happened to one client; loops are numbered from 1, `NO_LOOP` is outside of any."""

    client: weakref.ref[FakeClient]
    built: int
    asked: list[int] = field(default_factory=list)
    closed: list[int] = field(default_factory=list)


class FakeProvider:
    """See the module's docstring.

    Attributes:
        lives: in the order in which clients were built.
        questions: in the order in which they were asked.
        most_alive: how many clients were alive at once while one was asked.
        most_at_once: how many questions were open at once.
    """

    name = "fake"
    distribution = "fake"

    def __init__(self) -> None:
        self.lives: list[Life] = []
        self.questions: list[str] = []
        self.loops: list[asyncio.AbstractEventLoop] = []
        self.most_alive = 0
        self.most_at_once = 0
        self._at_once = 0
        self._lock = threading.Lock()

    def here(self) -> int:
        """The number of the running loop."""
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return NO_LOOP
        with self._lock:
            if loop not in self.loops:
                self.loops.append(loop)
            return self.loops.index(loop) + 1

    def close_loops(self) -> None:
        """Closes what was left open."""
        for loop in self.loops:
            loop.close()

    def build(self, target: CallTarget, options: ClientOptions) -> FakeClient:
        here = self.here()
        with self._lock:
            client = FakeClient(len(self.lives), options)
            self.lives.append(Life(weakref.ref(client), here))
        return client

    build_sync = build

    def _begin(self, client: FakeClient, question: str) -> None:
        here = self.here()
        with self._lock:
            life = self.lives[client.number]
            if life.closed:
                raise RuntimeError(f"client {client.number} is closed")
            life.asked.append(here)
            self.questions.append(question)
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
            self.most_alive = max(self.most_alive, sum(life.client() is not None for life in self.lives))

    def _end(self) -> None:
        with self._lock:
            self._at_once -= 1

    async def ask(self, client: FakeClient, target: CallTarget, question: str) -> str:
        self._begin(client, question)
        await asyncio.sleep(0)
        self._end()
        return ECHO + question

    async def abandon(self, client: FakeClient, target: CallTarget, question: str) -> str:
        return (await self.ask(client, target, question))[:3]

    def ask_sync(self, client: FakeClient, target: CallTarget, question: str) -> str:
        self._begin(client, question)
        self._end()
        return ECHO + question

    def abandon_sync(self, client: FakeClient, target: CallTarget, question: str) -> str:
        return self.ask_sync(client, target, question)[:3]

    async def close(self, client: FakeClient) -> None:
        self.lives[client.number].closed.append(self.here())

    def close_sync(self, client: FakeClient) -> None:
        self.lives[client.number].closed.append(NO_LOOP)

    def counted(self, target: CallTarget) -> dict[str, int]:
        return {}


def begin(fix: type[Fix], provider: FakeProvider, load: Load) -> tuple[Fix, Stage, CallLedger]:
    """A fix and the stage it sets, as the worker makes them."""
    ledger = CallLedger()
    arrangement = fix(provider, CallTarget("https://localhost"), ledger, load.retries)
    return arrangement, Stage(load, arrangement.prepare, lambda: None), ledger


def play(fix: type[Fix], scenario: Scenario, provider: FakeProvider, load: Load) -> CallLedger:
    """A whole program, to its end."""
    arrangement, stage, ledger = begin(fix, provider, load)
    arrangement.play(scenario.play(stage))
    arrangement.finish()
    return ledger
