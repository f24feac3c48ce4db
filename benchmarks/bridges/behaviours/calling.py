"""Questions about a call: where it runs, what it sees, how it ends."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import threading
import time
import traceback
from collections.abc import AsyncIterator
from typing import Any

from benchmarks.bridges.behaviours.behaviour import NOTHING, yes
from benchmarks.bridges.behaviours.interrupting import interrupt_waiting_main
from benchmarks.bridges.bridge import Bridge, Work

SOON = 2.0
"""Seconds within which another thread is there."""

WORD: contextvars.ContextVar[str] = contextvars.ContextVar("WORD", default="")


async def which_loop() -> asyncio.AbstractEventLoop:
    """The loop that it runs on."""
    return asyncio.get_running_loop()


def in_thread(bridge: Bridge, work: Work) -> Any:
    """What a call from another thread returns, or the exception it raises."""
    result: list[Any] = []

    def call() -> None:
        try:
            result.append(bridge.call(work))
        except Exception as error:  # noqa: BLE001 - that it fails is the answer
            result.append(error)

    thread = threading.Thread(target=call, daemon=True)
    thread.start()
    thread.join(SOON)
    return result[0] if result else None


def one_loop(bridge: Bridge) -> str:
    """Two calls run on one loop, which is still open."""
    # Kept, so that no loop can be made where the first was.
    first, second = bridge.call(which_loop), bridge.call(which_loop)
    return yes(first is second and not first.is_closed())


def one_loop_for_all_threads(bridge: Bridge) -> str:
    """A call from another thread runs on the same loop."""
    return yes(bridge.call(which_loop) is in_thread(bridge, which_loop))


def calls_overlap(bridge: Bridge) -> str:
    """A call from one thread ends only after one from another has begun."""
    waits, begun = threading.Event(), threading.Event()
    both: list[bool] = []

    async def first() -> None:
        waits.set()
        await asyncio.to_thread(begun.wait, SOON)  # an event of asyncio would belong to one of the two loops

    async def second() -> None:
        begun.set()

    def call() -> None:
        bridge.call(first)
        both.append(begun.is_set())

    thread = threading.Thread(target=call, daemon=True)
    thread.start()
    waits.wait(SOON)
    bridge.call(second)
    thread.join(2 * SOON)
    return yes(both == [True])


def inside_a_loop(bridge: Bridge) -> str:
    """Called by code that a loop runs, as in a notebook."""

    async def main() -> str:
        try:
            answer = bridge.call(which_loop)
        except RuntimeError:
            return "refuses"
        if inspect.isawaitable(answer):
            await answer
        return "yes"

    return asyncio.run(main())


def same_loop_inside_a_loop(bridge: Bridge) -> str:
    """A client that was used outside any loop is used on the same loop when a loop is running."""
    outside = bridge.call(which_loop)

    async def main() -> str:
        try:
            inside = bridge.call(which_loop)
        except RuntimeError:
            return "refuses"
        return yes((await inside if inspect.isawaitable(inside) else inside) is outside)

    return asyncio.run(main())


def from_its_own_loop(bridge: Bridge) -> str:
    """A blocking call from code that the bridge runs: an answer or an error, but no deadlock."""

    async def nested() -> str:
        try:
            answer = bridge.call(which_loop)
        except RuntimeError:
            return "yes"
        if inspect.isawaitable(answer):
            await answer
        return "yes"

    return str(bridge.call(nested))


def ctrl_c_cleans_up(bridge: Bridge) -> str:
    """Ctrl-C cancels the coroutine, and its cleanup has run when the caller gets the `KeyboardInterrupt`."""
    cleaned: list[bool] = []

    async def work() -> None:
        try:
            interrupt_waiting_main()
            await asyncio.sleep(600)
        finally:
            cleaned.append(True)

    bridge.call(which_loop)
    try:
        bridge.call(work)
    except KeyboardInterrupt:
        return yes(cleaned == [True])
    return "no"


def context_goes_in(bridge: Bridge) -> str:
    """The coroutine sees what its caller has set."""

    async def read() -> str:
        return WORD.get()

    WORD.set("in")
    return yes(bridge.call(read) == "in")


def context_comes_out(bridge: Bridge) -> str:
    """The caller sees what the coroutine has set."""

    async def write() -> None:
        WORD.set("out")

    bridge.call(write)
    return yes(WORD.get() == "out")


def both_tracebacks(bridge: Bridge) -> str:
    """The traceback names the caller and the line in the coroutine."""

    async def deep_inside() -> None:
        raise LookupError

    def the_caller() -> None:
        bridge.call(deep_inside)

    try:
        the_caller()
    except LookupError as error:
        names = [frame.name for frame in traceback.extract_tb(error.__traceback__)]
        return yes("the_caller" in names and "deep_inside" in names)
    return "no"


def limits(bridge: Bridge) -> str:
    """When the time is over the caller gets a `TimeoutError`, and the coroutine is cancelled."""
    if bridge.timed is None:
        return NOTHING
    cleaned = threading.Event()

    async def work() -> None:
        try:
            await asyncio.sleep(600)
        finally:
            cleaned.set()

    try:
        bridge.timed(work, 0.05)
    except TimeoutError:
        return yes(cleaned.wait(SOON), "goes on running")
    return "no"


def exits_reach_the_caller(bridge: Bridge) -> str:
    """`SystemExit` and `KeyboardInterrupt` from a coroutine arrive, and the bridge works afterwards."""

    async def leave() -> None:
        raise SystemExit(3)

    async def interrupt() -> None:
        raise KeyboardInterrupt

    caught = [_raised(bridge, leave), _raised(bridge, interrupt)]
    bridge.call(which_loop)
    return yes(caught == [SystemExit, KeyboardInterrupt])


def _raised(bridge: Bridge, work: Work) -> type[BaseException] | None:
    try:
        bridge.call(work)
    except BaseException as error:  # noqa: BLE001 - which one it is, is the question
        return type(error)
    return None


def iterates(bridge: Bridge) -> str:
    """An async generator as an iterator, whose cleanup runs when it is left early."""
    if bridge.iterate is None:
        return NOTHING
    cleaned = threading.Event()

    async def numbers() -> AsyncIterator[int]:
        try:
            for number in range(9):
                yield number
        finally:
            cleaned.set()

    iterator = bridge.iterate(numbers)
    seen = [next(iterator), next(iterator)]
    close = getattr(iterator, "close", None)
    if close is not None:
        close()
    return yes(seen == [0, 1] and cleaned.wait(SOON), "is not cleaned up")


def keeps_signature(bridge: Bridge) -> str:
    """Name, docs and parameters of a decorated function."""
    if bridge.decorate is None:
        return NOTHING

    async def original(first: int, *, second: str = "") -> None:
        """Its words."""

    made = bridge.decorate(original)
    same = inspect.signature(made) == inspect.signature(original)
    return yes(same and made.__doc__ == original.__doc__ and made.__name__ == original.__name__)


def takes_a_loop_factory(bridge: Bridge) -> str:
    """Runs on loops of somebody else's making, such as uvloop's."""
    if bridge.with_loop is None:
        return NOTHING
    made: list[asyncio.AbstractEventLoop] = []

    def factory() -> asyncio.AbstractEventLoop:
        made.append(asyncio.new_event_loop())
        return made[-1]

    return yes(bridge.with_loop(factory)(which_loop)() in made)


def idles(bridge: Bridge) -> str:
    """No processor time while nothing is called."""
    bridge.call(which_loop)
    before = time.process_time()
    time.sleep(0.5)
    return yes(time.process_time() - before < 0.005)
