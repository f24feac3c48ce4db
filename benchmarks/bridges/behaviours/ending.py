"""Questions about the ends: of clients, of the process, of the interpreter, and other processes."""

from __future__ import annotations

import asyncio
import atexit
import importlib
import multiprocessing
import os
import sys
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing

from benchmarks.bridges.behaviours.behaviour import LIMIT, NOTHING, Ended, answered, say, without_slow_steps, yes
from benchmarks.bridges.behaviours.calling import which_loop
from benchmarks.bridges.bridge import Bridge

_KEPT: list[object] = []


def _say(word: str) -> None:
    # By the descriptor: at the very end there may be no standard output left.
    os.write(1, f"{word}\n".encode())


def after_fork(bridge: Bridge) -> str:
    """Works in the child of a fork that came after the first call."""
    if not hasattr(os, "fork"):
        return NOTHING
    bridge.call(which_loop)
    child = os.fork()
    if child == 0:
        try:
            bridge.call(which_loop)
            os._exit(0)
        finally:
            os._exit(1)
    end = time.monotonic() + LIMIT / 2
    while time.monotonic() < end:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return yes(status == 0, "fails")
        time.sleep(0.01)
    os.kill(child, 9)
    os.waitpid(child, 0)
    return "hangs"


def _child(name: str) -> None:
    from benchmarks.bridges import load  # noqa: PLC0415 - in the new interpreter

    load(name).call(which_loop)


def spawned(bridge: Bridge) -> str:
    """Works in a child that `multiprocessing` spawned."""
    bridge.call(which_loop)
    child = multiprocessing.get_context("spawn").Process(target=_child, args=(sys.argv[-1],), daemon=True)
    child.start()
    child.join(LIMIT / 2)
    return yes(child.exitcode == 0, "hangs" if child.exitcode is None else "fails")


def in_sub_interpreter(_: Bridge) -> str:
    """A call in another interpreter of this process: an answer, or an error that says no."""
    try:
        interpreters = importlib.import_module("_interpreters" if sys.version_info >= (3, 13) else "_xxsubinterpreters")
    except ImportError:
        return NOTHING
    other = interpreters.create()
    code = (
        "from benchmarks.bridges import load\n"
        "from benchmarks.bridges.behaviours.calling import which_loop\n"
        f"load({sys.argv[-1]!r}).call(which_loop)\n"
    )
    try:
        failed = interpreters.run_string(other, code)
    except RuntimeError as error:
        failed = error
    return yes(failed is None, f"refuses: {failed}"[:160])


def ends(bridge: Bridge) -> None:
    """Leaves a task, an async generator and a thread of the executor behind, and ends."""

    async def wait() -> None:
        try:
            await asyncio.sleep(600)
        finally:
            _say("task cancelled")

    async def numbers() -> AsyncIterator[int]:
        try:
            yield 1
        finally:
            _say("generator closed")

    async def leave_behind() -> None:
        generator = numbers()
        _KEPT.extend([generator, asyncio.create_task(wait())])
        await anext(generator)
        await asyncio.to_thread(int)

    bridge.call(leave_behind)


def read_ends(ended: Ended) -> str:
    """Both were ended in time, and nothing was printed under `-X dev`."""
    return _quietly(ended, {"task cancelled", "generator closed"})


def leaves_a_stream(bridge: Bridge) -> None:
    """Reads one piece of a generator over a generator, as a streamed answer is, and ends."""

    async def socket() -> AsyncGenerator[int, None]:
        try:
            yield 1
            yield 2
        finally:
            await asyncio.sleep(0)
            _say("socket closed")

    async def stream() -> AsyncGenerator[int, None]:
        try:
            async with aclosing(socket()) as pieces:
                async for piece in pieces:
                    yield piece
        finally:
            _say("stream closed")

    async def read_one() -> None:
        opened = stream()
        _KEPT.append(opened)
        await anext(opened)

    bridge.call(read_one)


def read_leaves_a_stream(ended: Ended) -> str:
    """Both were finalised, and nothing was printed under `-X dev`."""
    return _quietly(ended, {"socket closed", "stream closed"})


def _quietly(ended: Ended, words: set[str]) -> str:
    if ended.code is None:
        return "hangs"
    errors, lacking = without_slow_steps(ended.err), words - set(ended.out.split("\n"))
    return yes(ended.code == 0 and not errors and not lacking, f"no: {ended.code}, {sorted(lacking)}, {errors[-400:]}")


def at_exit(bridge: Bridge) -> None:
    """Calls once more from a handler that runs after all that the bridge may have registered."""

    def late() -> None:
        try:
            bridge.call(which_loop)
        except RuntimeError:
            say("yes")  # says that it cannot, and does not hang
        else:
            say("yes")

    atexit.register(late)
    bridge.call(which_loop)


def keeps(bridge: Bridge) -> str | None:
    """One object a loop, made on first use there and closed on that loop before it closes."""
    if bridge.keep is None:
        return NOTHING
    made: list[list[asyncio.AbstractEventLoop]] = []

    def make() -> list[asyncio.AbstractEventLoop]:
        made.append([asyncio.get_running_loop()])
        return made[-1]

    async def close(kept: list[asyncio.AbstractEventLoop]) -> None:
        if kept[0] is asyncio.get_running_loop():
            _say("closed on its loop")

    own = bridge.keep(make, close)
    if bridge.call(own) is not bridge.call(own):
        return "no"
    return None


def read_keeps(ended: Ended) -> str:
    """Closed where it belongs, at the end."""
    if ended.code == 0 and "closed on its loop" in ended.out.split("\n"):
        return "yes"
    return answered(ended) if "ANSWER" in ended.out else "no"
