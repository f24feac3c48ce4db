"""Whatever comes in whatever order: each call returns once or raises once, no loop is left open, no task is lost.

First step by step, where a machine knows what each call must do, then all at once from several threads.
"""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import CancelledError as FutureCancelled
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from diagnostics.async_tools import PersistentLoop
from tests.async_tools.parts import PATIENCE, ThreadEach, echo

if TYPE_CHECKING:
    from collections.abc import Callable

CANCELLED = (asyncio.CancelledError, FutureCancelled)


class World:
    """A persistent loop, whose coroutines are counted where they begin and where they end."""

    def __init__(self) -> None:
        self.loops: list[asyncio.AbstractEventLoop] = []
        self.persistent = PersistentLoop(loop_factory=self._new_loop)
        self.threads = ThreadEach()
        self.begun = 0
        self.ended = 0

    def _new_loop(self) -> asyncio.AbstractEventLoop:
        loop = asyncio.new_event_loop()
        loop.set_default_executor(ThreadEach())  # as many as wait at once
        self.loops.append(loop)
        return loop

    async def gated(self, gate: Gate) -> str:
        """Runs on the one loop there is at a time, so that counting needs no lock."""
        self.begun += 1
        try:
            gate.loop, gate.event = asyncio.get_running_loop(), asyncio.Event()
            gate.reached.set()
            await gate.event.wait()
            return "let through"
        finally:
            self.ended += 1
            await asyncio.sleep(0)  # where a shutdown may cancel it once more

    async def nested(self, gate: Gate) -> str:
        """A coroutine that waits for a thread that waits for a coroutine."""
        self.begun += 1
        try:
            return await asyncio.to_thread(lambda: self.persistent.run(self.gated(gate)))
        finally:
            self.ended += 1

    async def blocking(self) -> None:
        self.persistent.run(echo(1))

    def end(self) -> None:
        self.persistent.shutdown()
        self.threads.shutdown()
        assert all(loop.is_closed() for loop in self.loops)
        assert self.begun == self.ended


@dataclass
class Gate:
    """Where a coroutine waits until it is let through."""

    reached: threading.Event = field(default_factory=threading.Event)
    loop: Any = None
    event: Any = None

    def open(self) -> None:
        self.loop.call_soon_threadsafe(self.event.set)


@dataclass
class Waiting:
    """A call that waits at its gate."""

    future: Future[Any]
    gate: Gate


class Machine(RuleBasedStateMachine):
    """Calls are started, let through, cancelled and shut down; at each step every call is where it has to be."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.waiting: list[Waiting] = []

    def _wait_at_gate(self, start: Callable[[Gate], Future[Any]]) -> None:
        gate = Gate()
        future = start(gate)
        assert gate.reached.wait(PATIENCE)
        self.waiting.append(Waiting(future, gate))

    @rule()
    def call_from_a_thread(self) -> None:
        world = self.world
        self._wait_at_gate(lambda gate: world.threads.submit(world.persistent.run, world.gated(gate)))

    @rule()
    def submit(self) -> None:
        self._wait_at_gate(lambda gate: self.world.persistent.submit(self.world.gated(gate)))

    @rule()
    def call_from_inside_another_loop(self) -> None:
        async def inside(gate: Gate) -> Any:
            return await self.world.persistent._awaitable(self.world.gated(gate), None)

        self._wait_at_gate(lambda gate: self.world.threads.submit(asyncio.run, inside(gate)))

    @rule()
    def call_from_a_coroutine_through_a_thread(self) -> None:
        self._wait_at_gate(lambda gate: self.world.persistent.submit(self.world.nested(gate)))

    @rule(number=st.integers(min_value=0))
    def call(self, number: int) -> None:
        assert self.world.persistent.run(echo(number)) == number

    @rule()
    def block_the_loop(self) -> None:
        error = self.world.persistent.submit(self.world.blocking()).exception(PATIENCE)
        assert isinstance(error, RuntimeError)

    @precondition(lambda self: self.waiting)
    @rule(data=st.data())
    def let_through(self, data: st.DataObject) -> None:
        one = self.waiting.pop(data.draw(st.integers(0, len(self.waiting) - 1)))
        one.gate.open()
        assert one.future.result(PATIENCE) == "let through"

    @precondition(lambda self: self.waiting)
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        one = self.waiting[data.draw(st.integers(0, len(self.waiting) - 1))]
        if one.future.cancel():  # a thread's future that is running cannot be
            self.waiting.remove(one)

    @rule()
    def shut_down(self) -> None:
        self.world.persistent.shutdown()
        for one in self.waiting:
            assert isinstance(outcome(one.future), CANCELLED)
        self.waiting.clear()
        assert self.world.begun == self.world.ended

    @invariant()
    def who_waits_has_no_outcome_yet(self) -> None:
        assert not any(one.future.done() for one in self.waiting)

    @invariant()
    def at_most_one_loop_is_open(self) -> None:
        assert sum(not loop.is_closed() for loop in self.world.loops) <= 1

    def teardown(self) -> None:
        self.shut_down()
        self.world.end()


def outcome(future: Future[Any]) -> object:
    """What it returned or raised, within bounds."""
    try:
        return future.result(PATIENCE)
    except (Exception, *CANCELLED) as error:  # noqa: BLE001 - compared by the test
        return error


TestStepByStep = Machine.TestCase
TestStepByStep.settings = settings(max_examples=100, stateful_step_count=20, deadline=None)


class Racers(World):
    """What a thread may do; each gives the outcomes that are right, whatever the others do at the time."""

    def call(self) -> bool:
        return outcome(self.threads.submit(self.persistent.run, echo(1))) == 1 or self.shut

    def fail(self) -> bool:
        async def fail() -> None:
            raise KeyError

        return isinstance(outcome(self.persistent.submit(fail())), (KeyError, *CANCELLED))

    def cancel(self) -> bool:
        gate = Gate()
        future = self.persistent.submit(self.gated(gate))
        gate.reached.wait(PATIENCE)
        future.cancel()
        return isinstance(outcome(future), CANCELLED)

    def time_out(self) -> bool:
        return isinstance(
            outcome(self.threads.submit(self.persistent.run, self.gated(Gate()), 0.001)), (TimeoutError, *CANCELLED)
        )

    def nest(self) -> bool:
        async def through_a_thread() -> int:
            return await asyncio.to_thread(lambda: self.persistent.run(echo(1)))

        return outcome(self.persistent.submit(through_a_thread())) == 1 or self.shut

    def shutdown(self) -> bool:
        self.persistent.shutdown()
        return True

    shut = False


@settings(max_examples=200)
@given(
    st.lists(
        st.lists(st.sampled_from(["call", "fail", "cancel", "time_out", "nest", "shutdown"]), min_size=1, max_size=6),
        min_size=1,
        max_size=4,
    )
)
def test_all_at_once(scripts: list[list[str]]) -> None:
    racers = Racers()
    racers.shut = any("shutdown" in script for script in scripts)
    together = threading.Barrier(len(scripts))

    def play(script: list[str]) -> list[bool]:
        together.wait(PATIENCE)
        return [getattr(racers, step)() for step in script]

    with ThreadPoolExecutor(len(scripts)) as threads:
        assert all(all(done) for done in threads.map(play, scripts))
    racers.end()
