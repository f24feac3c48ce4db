"""What the sanitizer keeps does not grow with what a program does, so that the program can run for weeks.

All that it keeps is counted: the entries of every container that its modules lead to. That is the same in every run.
"""

from __future__ import annotations

import asyncio
import collections
import contextlib
import gc
import importlib
import multiprocessing
import sys
import threading
import weakref
from collections.abc import Awaitable, Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import httpx2
import pytest

from benchmarks.answering import answering
from diagnostics.sanitizer import session
from diagnostics.sanitizer.analyze.recorded import processes
from diagnostics.sanitizer.analyze.started import not_instrumented
from diagnostics.sanitizer.capture.budget import Budget
from diagnostics.sanitizer.capture.instruments import Problems
from diagnostics.sanitizer.capture.journal import Journal
from diagnostics.sanitizer.capture.tracker import TRACKER
from diagnostics.sanitizer.process import starts

FEW = 30
"""What every bound is in these tests, so that it is soon reached."""

TIMES = 100
"""How often each program does what it does before its memory is counted, and again between two counts."""

CONTAINERS = (dict, list, set, frozenset, tuple, collections.deque, weakref.WeakSet, weakref.WeakKeyDictionary)
Run = Callable[[Any], Any]
Do = Callable[[str, Run], Any]


def entries() -> collections.Counter[str]:
    """The entries of the containers that the sanitizer's modules lead to, by module."""
    counts: collections.Counter[str] = collections.Counter()
    modules = {name: each for name, each in sys.modules.items() if name.startswith("diagnostics.sanitizer.capture")}
    seen = set(map(id, modules.values()))
    for name, module in modules.items():
        level: list[Any] = list(vars(module).values()) if not name.endswith("gc_neutral") else []
        while level:
            each = level.pop()
            own = type(each).__module__.startswith("diagnostics.sanitizer")
            if id(each) in seen or not (own or isinstance(each, CONTAINERS)):
                continue
            seen.add(id(each))
            if isinstance(each, CONTAINERS) and not isinstance(each, tuple):
                counts[name] += len(each)
            level += gc.get_referents(each)
    return counts


def bound_everything() -> None:
    """Makes all bounds small."""
    names = ("_AT_MOST", "MAX_CONNECTIONS")
    for name, module in list(sys.modules.items()):
        if name.startswith("diagnostics.sanitizer.capture"):
            for constant in [each for each in vars(module) if each.endswith(names)]:
                setattr(module, constant, FEW)


def measured(program: str, folder: str, url: str) -> dict[str, int]:
    """What grew while a program went on, by module."""
    sys.path.insert(0, str(Path(folder, "site-packages")))
    bound_everything()
    with session.watch(), asyncio.Runner() as runner:
        TRACKER.budget = Budget(TRACKER.instruments, FEW)
        counts = []
        for _ in range(3):
            PROGRAMS[program](url, runner.run)
            gc.collect()
            counts.append(entries())
    return dict(counts[2] - counts[1])


def port_of(url: str) -> int:
    found = httpx2.URL(url).port
    assert found is not None
    return found


async def connect(url: str, **words: Any) -> None:
    """Opens a connection of asyncio and closes it."""
    _, writer = await asyncio.open_connection("127.0.0.1", port_of(url), **words)
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()


def repeat(once: Callable[[str], Awaitable[None]]) -> Do:
    """A program that does something again and again on one loop."""

    async def main(url: str) -> None:
        for _ in range(TIMES):
            await once(url)

    return lambda url, run: run(main(url))


def loops(url: str, __: Run) -> None:
    for _ in range(TIMES):
        asyncio.run(connect(url))


def threads(url: str, __: Run) -> None:
    for _ in range(TIMES):
        thread = threading.Thread(target=asyncio.run, args=(connect(url),))
        thread.start()
        thread.join()


def files(url: str, __: Run) -> None:
    for number in range(TIMES):
        variables: dict[str, Any] = {"asyncio": asyncio, "connect": connect, "url": url}
        exec(compile("asyncio.run(connect(url))", f"/generated/{id(variables)}-{number}.py", "exec"), variables)


async def task(url: str) -> None:
    await asyncio.create_task(connect(url))


async def own_protocol(url: str) -> None:
    class Own(asyncio.Protocol):
        pass

    transport, _ = await asyncio.get_running_loop().create_connection(Own, "127.0.0.1", port_of(url))
    transport.close()
    await asyncio.sleep(0)


async def client(url: str) -> None:
    async with httpx2.AsyncClient(verify=False) as one:
        await one.get(url)


def requests(url: str, run: Run) -> None:
    async def main() -> None:
        async with httpx2.AsyncClient(verify=False) as one:
            for _ in range(TIMES):
                await asyncio.create_task(one.get(url))

    run(main())


def dropped_clients(url: str, run: Run) -> None:
    async def main() -> None:
        for _ in range(TIMES):
            one = httpx2.AsyncClient(verify=False)
            await one.get(url)
            one = None  # type: ignore[assignment]
            gc.collect()

    run(main())


async def anywhere(_: str) -> None:
    """A connection of a driver that has threads of its own: it may be closed on any loop."""
    module: Any = importlib.import_module("psycopg.connection_async")
    connection = module.AsyncConnection()
    connection.close()


def anywhere_on_many_loops(url: str, __: Run) -> None:
    for _ in range(TIMES):
        asyncio.run(anywhere(url))


def clients_of_many_loops(url: str, __: Run) -> None:
    """The mistake: more than the budget of facts."""

    async def use(one: Any) -> None:
        with contextlib.suppress(Exception):
            await one.get(url)

    for _ in range(TIMES):
        one = httpx2.AsyncClient(verify=False)
        asyncio.run(use(one))
        asyncio.run(use(one))


def blocks(url: str, __: Run) -> None:
    session.uninstall()
    for _ in range(TIMES // 10):
        with session.watch() as found:
            loop = asyncio.new_event_loop()
            loop.close()
            with contextlib.suppress(RuntimeError):
                loop.call_soon(print)
        assert [each.kind for each in found] == ["use-after-loop-close"]
    session.install()


PROGRAMS: dict[str, Do] = {
    "requests": requests,
    "clients": repeat(client),
    "connections": repeat(connect),
    "tasks": repeat(task),
    "a class of protocol for each connection": repeat(own_protocol),
    "loops": loops,
    "threads with a loop": threads,
    "generated code": files,
    "connections that work on any loop": anywhere_on_many_loops,
    "clients that are dropped": dropped_clients,
    "clients that each two loops use": clients_of_many_loops,
    "blocks that are watched": blocks,
}


@pytest.mark.parametrize("program", PROGRAMS)
def test_what_is_kept_does_not_grow(program: str, tmp_path: Path) -> None:
    package = tmp_path / "site-packages" / "psycopg"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "connection_async.py").write_text("class AsyncConnection:\n    def close(self): pass\n")
    with (
        answering(tmp_path) as (urls, _),
        ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as processes,
    ):
        grown = processes.submit(measured, program, str(tmp_path), urls["no TLS"]).result()
    assert sum(grown.values()) < TIMES, grown


def test_programs_that_are_started_beyond_a_bound_are_a_blind_spot(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "journal"
    path.touch()
    journal = Journal(str(path))
    journal.process_begins(0)
    monkeypatch.setattr(starts, "MOST_STARTED", 2)
    recording = starts.Starts.__new__(starts.Starts)
    recording.__dict__.update(_journal=journal, _recorded=0)
    for _ in range(5):
        recording._record("subprocess", 1, [sys.executable], [sys.executable])
    found = processes(path.read_bytes())
    assert len(found[0].started) == 3
    lines = not_instrumented(found, follow=False)
    assert lines[0].startswith("2 Python programs were started by subprocess")
    assert lines[1:] == ["only the first 10000 programs that a process starts are examined"]


def test_an_observer_that_fails_at_each_access_is_named_once() -> None:
    problems = Problems()
    for number in range(1000):
        problems.add("loop", ValueError("the same"))
        problems.add("loop", ValueError(number))
    assert problems[0] == "loop: ValueError: the same"
    assert len(problems) <= FEW
