"""`loop-id-key`: a cache has the `id()` of a loop as its key."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from diagnostics.model.finding import MarkedLine
from diagnostics.rewrite.rules.engine.loops import compares_loops, is_loop, is_removed, outlives, store_of
from diagnostics.rewrite.rules.engine.source_file import CodeScope, SourceFile
from diagnostics.rewrite.rules.engine.values import ValueReader
from diagnostics.rewrite.rules.records import CheckRule

WHY = """\
A new loop may have the address of one that is gone, so the look-up finds the client of a closed loop: 35 of 50 did
in a measurement. Entries of dead loops are never removed or closed. Code that compares the loop itself, looks whether
it is closed, has a weak reference to it or to the value, or removes the entry in `finally` is not reported."""

WRONG = """\
import asyncio

import httpx

clients = {}


def client():
    key = id(asyncio.get_running_loop())
    if key not in clients:
        clients[key] = httpx.AsyncClient()
    return clients[key]
"""

RIGHT = """\
import httpx

from async_tools import LoopLocal

clients = LoopLocal(httpx.AsyncClient, close=httpx.AsyncClient.aclose)


async def client():
    return await clients.get()
"""


def find(reader: ValueReader) -> Iterator[tuple[str, tuple[MarkedLine, ...], str]]:
    """Yields each mapping that outlives the loops by whose `id()` it is filled, once."""
    for file in reader.tree.matching(r"\bid\(\s*[\w.]*(?:loop|event)"):
        seen = set[str]()
        for scope in file.scopes:
            for node in _keys(scope):
                for name, stored, where in _stores(node, scope):
                    kept = outlives(name, scope) and not is_removed(name, scope)
                    if name not in seen and kept and not _is_checked(file, scope, name):
                        seen.add(name)
                        lines = [MarkedLine(file.site(node, scope), "the address of a loop, which another may get")]
                        if stored is not None and where is not node:
                            lines.append(MarkedLine(file.site(stored, scope), f"stored under it in `{name}`"))
                        advice = "keep one for each loop itself, and close it with the loop: `LoopLocal`"
                        yield f"`{name}` is filled by the id() of event loops", tuple(lines), advice


def _keys(scope: CodeScope) -> Iterator[ast.Call]:
    """Yields each `id(loop)`."""
    for node in scope.nodes:
        named = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "id"
        if named and isinstance(node, ast.Call) and node.args and is_loop(node.args[0], scope):
            yield node


def _stores(node: ast.Call, scope: CodeScope) -> Iterator[tuple[str, ast.expr | None, ast.AST]]:
    """Yields the mappings that get a value under a key: name, value, and where."""
    names = {
        target.id
        for each in scope.nodes
        if isinstance(each, ast.Assign) and any(part is node for part in ast.walk(each.value))
        for target in each.targets
        if isinstance(target, ast.Name)
    }
    uses: list[ast.AST] = [node, *(each for each in scope.nodes if isinstance(each, ast.Name) and each.id in names)]
    found = [(store, where) for where in uses if (store := store_of(where, scope)) is not None]
    for (name, stored), where in found:
        if stored is not None and not isinstance(stored, ast.Constant):
            yield name, stored, where


def _is_checked(file: SourceFile, scope: CodeScope, name: str) -> bool:
    """Returns whether a mapping is weak, or the code that uses it looks at the loops themselves."""
    last = name.rpartition(".")[2]
    if re.search(rf"\b{re.escape(last)}\b[^\n]*=\s*\(?\s*(?:weakref\.)?WeakValueDictionary\b", file.text):
        return True
    users = [each for each in file.scopes if each is scope or (each.is_function and _mentions(each, last))]
    return any(compares_loops(each) for each in users)


def _mentions(scope: CodeScope, name: str) -> bool:
    return any(
        (isinstance(node, ast.Name) and node.id == name) or (isinstance(node, ast.Attribute) and node.attr == name)
        for node in scope.nodes
    )


RULE = CheckRule("EL003", "loop-id-key", "a cache has the id() of a loop as its key", WHY, WRONG, RIGHT, find)
