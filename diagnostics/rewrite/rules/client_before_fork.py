"""`client-before-fork`: a client is used before a process forks, and after it."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from diagnostics.model.finding import MarkedLine
from diagnostics.rewrite.rules.engine.clients import client_maker
from diagnostics.rewrite.rules.engine.processes import before_workers
from diagnostics.rewrite.rules.engine.repeats import shared_uses
from diagnostics.rewrite.rules.engine.shown import lines
from diagnostics.rewrite.rules.engine.source_file import CodeScope
from diagnostics.rewrite.rules.engine.tree import OuterName
from diagnostics.rewrite.rules.engine.values import ValueReader
from diagnostics.rewrite.rules.records import CheckRule

WHY = """\
The child inherits the sockets: parent and child send on the same connection and read each other's answers. Reported
where one function, or one module, uses the client before `os.fork` and after it, or before it hands a function that
does so to a process of `multiprocessing`; and where Gunicorn preloads a module that uses the client as it is loaded.
A client that is only made before the fork has no connection yet, and is not reported. Nor are processes that are
spawned, as the workers of Uvicorn are."""

WRONG = """\
import asyncio
import os

import httpx

client = httpx.AsyncClient()


async def load(url):
    return await client.get(url)


asyncio.run(load("https://a.example"))
if os.fork() == 0:
    asyncio.run(load("https://b.example"))
"""

RIGHT = """\
import asyncio
import os

import httpx


async def load(url):
    async with httpx.AsyncClient() as client:
        return await client.get(url)


asyncio.run(load("https://a.example"))
if os.fork() == 0:
    asyncio.run(load("https://b.example"))
"""

_ADVICE = "make the client after the fork, in each process"


def find(reader: ValueReader) -> Iterator[tuple[str, tuple[MarkedLine, ...], str]]:
    """Yields each client that is used on both sides of a fork."""
    for shared in shared_uses(reader):
        if shared.fork is not None:
            maker = shared.use.client.maker
            scope = shared.events[0].scope
            shown = tuple(each for each in lines(shared) if each.site != scope.file.site(shared.fork, scope))
            fork = MarkedLine(scope.file.site(shared.fork, scope), "the child inherits its connections here")
            yield _message(maker.title), (*shown[:2], fork, *shown[2:]), _ADVICE
    for use, run, setting, file in before_workers(reader):
        client = use.client
        shown = (
            MarkedLine(client.scope.file.site(client.call, client.scope), "created here"),
            MarkedLine(run.scope.file.site(run.node, run.scope), "connects while Gunicorn loads the program"),
            MarkedLine(file.site(setting, file.body), "the workers are forked after that"),
            MarkedLine(use.scope.file.site(use.node, use.scope), "used in each worker"),
        )
        yield _message(client.maker.title), shown, _ADVICE
    for file in reader.tree.matching(r"\bfork\(\)"):
        for scope in file.scopes:
            if scope.is_async:
                yield from _local(scope, reader)


def _message(title: str) -> str:
    return f"one {title} is used before a fork and after it"


def _local(scope: CodeScope, reader: ValueReader) -> Iterator[tuple[str, tuple[MarkedLine, ...], str]]:
    """Yields the clients in variables of a coroutine that forks."""
    forks = [node for node in scope.nodes if isinstance(node, ast.Call) and _is_fork(node, scope, reader)]
    for fork in forks[:1]:
        for name, bounds in scope.names.items():
            for bound in bounds:
                call = bound.value.value if isinstance(bound.value, ast.Await) else bound.value
                maker = client_maker(call, scope, reader.tree) if isinstance(call, ast.Call) else None
                if maker is None or call is None or bound.by != "assignment":
                    continue
                uses = [node for node in scope.nodes if isinstance(node, ast.Name) and node.id == name]
                before = [each for each in uses if each.lineno < fork.lineno and isinstance(each.ctx, ast.Load)]
                after = [each for each in uses if each.lineno > fork.lineno]
                if after and (before or isinstance(bound.value, ast.Await)) and call.lineno < fork.lineno:
                    marked = (
                        (call, "created here"),
                        (fork, "the child inherits its connections here"),
                        (after[0], "used here"),
                    )
                    shown = tuple(MarkedLine(scope.file.site(node, scope), text) for node, text in marked)
                    yield _message(maker.title), shown, _ADVICE


def _is_fork(node: ast.Call, scope: CodeScope, reader: ValueReader) -> bool:
    target = reader.tree.resolve(node.func, scope)
    return isinstance(target, OuterName) and target.dotted in ("os.fork", "os.forkpty")


RULE = CheckRule("EL011", "client-before-fork", "a client is used before a fork and after it", WHY, WRONG, RIGHT, find)
