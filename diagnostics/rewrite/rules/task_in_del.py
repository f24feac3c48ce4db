"""`task-in-del`: a finaliser starts a task or a run."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Final

from diagnostics.model.finding import MarkedLine
from diagnostics.rewrite.rules.engine.loops import is_loop
from diagnostics.rewrite.rules.engine.source_file import CodeScope, dotted, written
from diagnostics.rewrite.rules.engine.starts import last_name
from diagnostics.rewrite.rules.engine.tree import OuterName
from diagnostics.rewrite.rules.engine.values import ValueReader
from diagnostics.rewrite.rules.records import CheckRule

WHY = """\
The garbage collector calls `__del__` at any time, on any thread, while any loop runs or none. The task closes
connections of one loop on another, or the loop closes before the task has run. Nothing waits for it. A finaliser
that first compares the running loop with the one of its connections is not reported, nor one that starts a method that
awaits nothing of a loop, nor one in a browser, where one loop stays."""

WRONG = """\
import asyncio


class Service:
    def __init__(self, client):
        self.client = client

    def __del__(self):
        asyncio.get_running_loop().create_task(self.client.aclose())
"""

RIGHT = """\
class Service:
    def __init__(self, client):
        self.client = client

    async def __aenter__(self):
        return self

    async def __aexit__(self, *error):
        await self.client.aclose()
"""

_ENDS: Final = re.compile(r"loop$|\b\w*_loop\(\)$")
_BROWSER: Final = frozenset({"js", "pyodide"})
_DEPTH: Final = 4
_STARTS: Final = frozenset({"create_task", "ensure_future", "run_until_complete"})


def find(reader: ValueReader) -> Iterator[tuple[str, tuple[MarkedLine, ...], str]]:
    """Yields each call in a finaliser, or in a method that it calls, that starts a task or a run."""
    for file in reader.tree.matching(r"def __del__\b"):
        if not _BROWSER.isdisjoint(each.partition(".")[0] for each in file.imports.values()):
            continue  # there is one loop, and it stays
        for scope in file.scopes:
            if scope.name == "__del__" and scope.parent is not None and scope.parent.is_class:
                call = _start(scope, scope.parent, reader)
                if call is not None:
                    node, where = call
                    lines = [MarkedLine(file.site(scope.node, scope.parent), "called by the garbage collector")]
                    lines.insert(0, MarkedLine(file.site(node, where), "starts it on whatever loop runs then"))
                    advice = "close in `__aexit__` or an async method that the user awaits; in `__del__`, only warn"
                    yield f"the finaliser of `{scope.parent.name}` starts asynchronous work", tuple(lines), advice


def _start(scope: CodeScope, cls: CodeScope, reader: ValueReader) -> tuple[ast.Call, CodeScope] | None:
    if _compares(scope):
        return None
    own = [node for node in scope.nodes if isinstance(node, ast.Call)]
    for node in own:
        target = reader.tree.resolve(node.func, scope)
        name = target.dotted if isinstance(target, OuterName) else ""
        starts = (last_name(node.func) in _STARTS and node.args and _is_of_asyncio(node.func, name, scope)) or (
            name == "asyncio.run"
        )
        if starts and not _is_harmless(node, cls, reader):
            return node, scope
    for node in own if scope.name == "__del__" else ():
        func = node.func
        if isinstance(func, ast.Attribute) and isinstance(func.value, ast.Name) and func.value.id == "self":
            method = cls.inner.get(func.attr)
            if method is not None and not method.is_async and (found := _start(method, cls, reader)) is not None:
                return found
    return None


def _is_of_asyncio(func: ast.expr, name: str, scope: CodeScope) -> bool:
    """Returns whether a function is asyncio's or a method of a loop, and not of a service that has tasks of its own."""
    if not isinstance(func, ast.Attribute) or name.startswith("asyncio."):
        return name.startswith("asyncio.")
    return is_loop(func.value, scope) or _ENDS.search(written(func.value)) is not None


def _is_harmless(start: ast.Call, cls: CodeScope, reader: ValueReader) -> bool:
    """Returns whether what is started is a method that awaits nothing of a loop, or that is not even called."""
    for given in start.args[:1]:
        names = dotted(given.func if isinstance(given, ast.Call) else given)
        method = reader.tree.method(cls, names[1]) if names[:1] == ["self"] and len(names) == 2 else None
        if method is not None and method.is_async:
            return not isinstance(given, ast.Call) or _awaits_nothing(method, cls, reader, 0)
    return False


def _awaits_nothing(method: CodeScope, cls: CodeScope, reader: ValueReader, depth: int) -> bool:
    """Returns whether a method awaits at most methods of its object that await nothing, or some time."""
    for node in method.nodes:
        if isinstance(node, (ast.AsyncFor, ast.AsyncWith)):
            return False
        awaited = node.value if isinstance(node, ast.Await) else None
        if awaited is None:
            continue
        target = reader.tree.resolve(awaited.func, method) if isinstance(awaited, ast.Call) else None
        if isinstance(target, OuterName) and target.dotted == "asyncio.sleep":
            continue
        names = dotted(awaited.func) if isinstance(awaited, ast.Call) else []
        inner = reader.tree.method(cls, names[1]) if names[:1] == ["self"] and len(names) == 2 else None
        if inner is None or not inner.is_async or depth > _DEPTH or not _awaits_nothing(inner, cls, reader, depth + 1):
            return False
    return True


def _compares(scope: CodeScope) -> bool:
    """Returns whether code asks whether two loops are the same one."""
    for node in scope.nodes:
        if isinstance(node, ast.Compare) and isinstance(node.ops[0], (ast.Is, ast.IsNot, ast.Eq, ast.NotEq)):
            sides = (node.left, node.comparators[0])
            if all(is_loop(each, scope) or _ENDS.search(written(each)) for each in sides):
                return True
    return False


RULE = CheckRule("EL005", "task-in-del", "`__del__` starts a task or a run of an event loop", WHY, WRONG, RIGHT, find)
