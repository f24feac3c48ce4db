"""`weak-client-cache`: clients in a `WeakKeyDictionary` of loops, without anything that closes them."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from diagnostics.model.finding import MarkedLine
from diagnostics.rewrite.rules.engine.clients import CLOSERS
from diagnostics.rewrite.rules.engine.loops import is_loop, outlives, store_of
from diagnostics.rewrite.rules.engine.source_file import Bound, SourceFile
from diagnostics.rewrite.rules.engine.tree import OuterName
from diagnostics.rewrite.rules.engine.values import MadeClient, MadeValue, ScopeFrame, ValueReader
from diagnostics.rewrite.rules.records import CheckRule

WHY = """\
The entry never goes away: the client's connection refers to the loop, so the key stays alive as long as the value.
After 50 runs there were 50 clients with open sockets. Reported where a client is stored by its loop, and nothing in
the file closes what the dictionary has."""

WRONG = """\
import asyncio
import weakref

import httpx

clients = weakref.WeakKeyDictionary()


def client():
    loop = asyncio.get_running_loop()
    if loop not in clients:
        clients[loop] = httpx.AsyncClient()
    return clients[loop]
"""

RIGHT = """\
import asyncio
import weakref

import httpx

clients = weakref.WeakKeyDictionary()


def client():
    loop = asyncio.get_running_loop()
    if loop not in clients:
        clients[loop] = httpx.AsyncClient()
    return clients[loop]


async def close():
    await clients.pop(asyncio.get_running_loop()).aclose()
"""


def find(reader: ValueReader) -> Iterator[tuple[str, tuple[MarkedLine, ...], str]]:
    """Yields each weak dictionary that gets a client by its loop."""
    for file in reader.tree.matching(r"WeakKeyDictionary"):
        weak = dict(_weak(file, reader))
        for scope in file.scopes:
            for node in scope.nodes:
                if not isinstance(node, ast.expr) or not is_loop(node, scope):
                    continue
                store = store_of(node, scope)
                if store is None or store[1] is None or not outlives(store[0], scope):
                    continue
                bound = weak.get(store[0].rpartition(".")[2])
                value = reader.value(store[1], ScopeFrame(scope))
                closes = _closes(file, store[0].rpartition(".")[2])
                if bound is not None and _is_client(value, reader) and not closes:
                    lines = (
                        MarkedLine(
                            file.site(store[1], scope), "its connections keep the loop, and so the entry, alive"
                        ),
                        MarkedLine(file.site(bound.value or bound.node, bound.scope), "never empties"),
                    )
                    yield (
                        f"`{store[0]}` keeps a client for each loop and never closes one",
                        lines,
                        "close the client before its loop ends: `async with`, or `LoopLocal`, which does it",
                    )


def _is_client(value: MadeValue | None, reader: ValueReader) -> bool:
    if isinstance(value, MadeClient):
        return not value.maker.is_primitive
    if value is None:
        return False
    kept = (reader.attribute(value, name) for name in value.cls.attributes)
    return any(isinstance(each, MadeClient) and not each.maker.is_primitive for each in kept)


def _weak(file: SourceFile, reader: ValueReader) -> Iterator[tuple[str, Bound]]:
    """Yields the variables and attributes that are weak dictionaries."""
    for scope in file.scopes:
        for name, bounds in (*scope.names.items(), *scope.attributes.items()):
            for bound in bounds:
                call = bound.value
                target = reader.tree.resolve(call.func, bound.scope) if isinstance(call, ast.Call) else None
                if isinstance(target, OuterName) and target.dotted == "weakref.WeakKeyDictionary":
                    yield name, bound


def _closes(file: SourceFile, name: str) -> bool:
    """Returns whether a function mentions the dictionary and closes something."""
    for scope in file.scopes:
        attributes = {node.attr for node in scope.nodes if isinstance(node, ast.Attribute)}
        names = attributes | {node.id for node in scope.nodes if isinstance(node, ast.Name)}
        if name in names and attributes & CLOSERS:
            return True
    return False


RULE = CheckRule(
    "EL004", "weak-client-cache", "a WeakKeyDictionary from loops to clients never closes them", WHY, WRONG, RIGHT, find
)
