"""What an interpreter must get right; needs the standard library alone, so that any interpreter can run it.

The first argument may name a module with a `new_event_loop` (`uvloop`). Prints `ok` and nothing else.
"""

from __future__ import annotations

import asyncio
import contextvars
import importlib
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

from diagnostics.async_tools import LoopLocal, PersistentLoop, run_sync, to_sync

word = contextvars.ContextVar("word", default="nothing")
factory = importlib.import_module(sys.argv[1]).new_event_loop if sys.argv[1:] else asyncio.new_event_loop
events = []


async def echo(value):
    await asyncio.sleep(0)
    return value


async def at_once(value):
    return value


async def change():
    seen = word.get()
    word.set("inside")
    await asyncio.sleep(0)
    return seen, word.get()


async def fail(error):
    raise error


async def wait_for_ever():
    try:
        await asyncio.Event().wait()
    finally:
        await asyncio.sleep(0)
        events.append("cleaned")


async def parent():
    with_child = asyncio.create_task(echo(1))
    task = asyncio.current_task()
    assert task is not None
    result = await with_child
    assert asyncio.current_task() is task
    return result


@to_sync
async def numbers():
    try:
        for number in range(3):
            yield await echo(number)
    finally:
        events.append("finalised")


class Client:
    def __init__(self):
        self.loop = asyncio.get_running_loop()

    async def aclose(self):
        await asyncio.sleep(0)
        assert asyncio.get_running_loop() is self.loop
        events.append("closed")


def raises(kind, call, *arguments, **keywords):
    try:
        call(*arguments, **keywords)
    except kind:
        return True
    return False


def check_loop(loop):
    assert loop.run(at_once(1)) == loop.run(echo(1)) == loop.run(parent()) == 1
    word.set("outside")
    assert loop.run(change()) == ("outside", "inside")
    assert word.get() == "inside"
    assert raises(KeyError, loop.run, fail(KeyError("x")))
    assert raises(SystemExit, loop.run, fail(SystemExit(1)))
    assert raises(TimeoutError, loop.run, wait_for_ever(), 0.01)
    assert raises(asyncio.TimeoutError, loop.run, wait_for_ever(), 0.01)
    assert events == ["cleaned", "cleaned"]
    local = LoopLocal(Client)
    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(lambda number: loop.run(at_once(number)), range(400))) == list(range(400))
        assert list(threads.map(lambda number: loop.run(echo(number)), range(400))) == list(range(400))
        assert len(set(threads.map(lambda _: loop.run(local.get()), range(50)))) == 1
    futures = [loop.submit(asyncio.sleep(3600)) for _ in range(3)]
    loop.shutdown()
    assert all(future.done() for future in futures)
    assert events == ["cleaned", "cleaned", "closed"]
    events.clear()


async def inside():
    assert await run_sync(echo(1), inside_loop="await") == 1
    assert run_sync(echo(1), inside_loop="block") == 1
    assert raises(RuntimeError, run_sync, echo(1), inside_loop="raise")


check_loop(PersistentLoop(loop_factory=factory))
assert list(numbers()) == [0, 1, 2]
asyncio.run(inside())
assert run_sync(at_once(threading.active_count())) > 1
print("ok")
