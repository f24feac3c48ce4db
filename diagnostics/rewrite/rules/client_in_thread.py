"""`client-in-thread`: a thread with a loop of its own uses a client of another loop."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import replace

from diagnostics.model.finding import MarkedLine
from diagnostics.rewrite.rules.engine.processes import in_process
from diagnostics.rewrite.rules.engine.repeats import handed_function, shared_uses
from diagnostics.rewrite.rules.engine.runs import ClientUse, reach
from diagnostics.rewrite.rules.engine.shown import lines
from diagnostics.rewrite.rules.engine.starts import LoopRun, handed_run, runs_in, starting
from diagnostics.rewrite.rules.engine.values import ScopeFrame, ValueReader
from diagnostics.rewrite.rules.records import CheckRule

WHY = """\
Two loops that run at the same time use one pool: a call waits for a connection that only the other loop can
release, or fails. Reported where the thread's function starts its loop in the same tree, and the client is used by
another loop too."""

WRONG = """\
import asyncio
import threading

import httpx

client = httpx.AsyncClient()


async def load(url):
    return await client.get(url)


async def main(urls):
    await load(urls[0])
    thread = threading.Thread(target=lambda: asyncio.run(load(urls[1])))
    thread.start()
    await asyncio.to_thread(thread.join)
    await client.aclose()


asyncio.run(main(["https://a.example", "https://b.example"]))
"""

RIGHT = """\
import asyncio
import threading

import httpx


async def load(url):
    async with httpx.AsyncClient() as client:
        return await client.get(url)


async def main(urls):
    await load(urls[0])
    thread = threading.Thread(target=lambda: asyncio.run(load(urls[1])))
    thread.start()
    await asyncio.to_thread(thread.join)


asyncio.run(main(["https://a.example", "https://b.example"]))
"""

_ADVICE = "make a client in the thread's run, or send the work to the loop that has one: `run_coroutine_threadsafe`"


def find(reader: ValueReader) -> Iterator[tuple[str, tuple[MarkedLine, ...], str]]:
    """Yields each client that a thread's own loop uses, and another loop too."""
    seen = set[ast.AST]()
    for shared in shared_uses(reader):
        if shared.fork is None and any(event.threaded for event in shared.events):
            seen.add(shared.use.client.call)
            yield _message(shared.use), lines(shared), _ADVICE
    for _, run in starting(reader):
        outer = reach(run, reader)
        for call, frame in outer.handed:
            for inner, inside in _runs(call, frame, reader):
                for made, use in reach(inner, reader, inside).open.items():
                    if made not in seen and (made in outer.uses or made in outer.made):
                        seen.add(made)
                        yield _message(use), _lines(use, run, inner), _ADVICE


def _runs(call: ast.Call, frame: ScopeFrame, reader: ValueReader) -> Iterator[tuple[LoopRun, ScopeFrame | None]]:
    """Yields the runs of the function that a call hands to a thread."""
    direct = handed_run(call, frame.scope, reader)
    function = handed_function(call, frame.scope, reader)
    if direct is not None:
        yield direct, _outside(frame)
    elif function is not None and not in_process(call, frame.scope, reader):
        around = frame.around(function.parent) if function.parent is not None else None
        inside = ScopeFrame(function, (), _outside(around), outside=True)
        yield from ((inner, inside) for inner in runs_in(function, reader))


def _outside(frame: ScopeFrame | None) -> ScopeFrame | None:
    return None if frame is None else replace(frame, outside=True, parent=_outside(frame.parent))


def _message(use: ClientUse) -> str:
    maker = use.client.maker
    return f"one {maker.title} is used by a thread with a loop of its own and by another loop"


def _lines(use: ClientUse, run: LoopRun, inner: LoopRun) -> tuple[MarkedLine, ...]:
    client = use.client
    found = [
        (client.call, client.scope, "created here"),
        (run.node, run.scope, "one loop"),
        (inner.node, inner.scope, "another loop, in a thread"),
        (use.node, use.scope, "used here"),
    ]
    return tuple(MarkedLine(scope.file.site(node, scope), text) for node, scope, text in found)


RULE = CheckRule(
    "EL010",
    "client-in-thread",
    "a thread with a loop of its own uses a client of another loop",
    WHY,
    WRONG,
    RIGHT,
    find,
)
