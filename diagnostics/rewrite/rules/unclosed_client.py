"""`unclosed-client`: a coroutine makes a client that nothing closes, returns, stores or gets."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Final

from diagnostics.model.finding import MarkedLine
from diagnostics.model.libraries import LIBRARIES
from diagnostics.rewrite.rules.engine.clients import CLOSERS, ClientMaker, client_maker, is_async_use
from diagnostics.rewrite.rules.engine.source_file import CodeScope
from diagnostics.rewrite.rules.engine.values import ValueReader
from diagnostics.rewrite.rules.records import CheckRule

WHY = """\
When the loop closes, the client's connections are still open. The garbage collector finds them later, on whatever
loop runs then. Reported for the classes of known libraries, where the coroutine only makes calls with the client. A
client that is returned, stored, passed on or kept by a function inside is somebody else's to close, and is not
reported."""

WRONG = """\
import httpx


async def load(url):
    client = httpx.AsyncClient()
    answer = await client.get(url)
    return answer.text
"""

RIGHT = """\
import httpx


async def load(url):
    async with httpx.AsyncClient() as client:
        answer = await client.get(url)
        return answer.text
"""

_MADE: Final = sorted(
    {each.rpartition(".")[2] for row in LIBRARIES.values() for each in (row.client, *row.makes) if each} | {"from_url"}
)
_WORDS: Final = rf"\b(?:{'|'.join(map(re.escape, _MADE))})\("
_CONSUMERS: Final = frozenset(
    {"gather", "create_task", "wait_for", "ensure_future", "shield", "wait", "as_completed", "start_soon", "append"}
)


def find(reader: ValueReader) -> Iterator[tuple[str, tuple[MarkedLine, ...], str]]:
    """Yields each client of a coroutine that it leaves open."""
    for file in reader.tree.matching(_WORDS):
        for scope in file.scopes:
            for node in scope.nodes if scope.is_async else ():
                maker = client_maker(node, scope, reader.tree) if isinstance(node, ast.Call) else None
                if maker is not None and maker.library is not None and _is_left(node, scope, maker):
                    line = MarkedLine(file.site(node, scope), "made here, and never closed")
                    yield f"`{scope.name}` leaves a {maker.what} {maker.noun} open", (line,), _advice(maker)


def _advice(maker: ClientMaker) -> str:
    close = maker.library.close if maker.library is not None else ""
    if maker.noun == "engine":
        return "end with `await engine.dispose()`, or make one engine for the whole program"
    otherwise = f", or `await {maker.noun}.{close}()` in `finally`" if close else ""
    return f"use `async with`{otherwise}, or keep one {maker.noun} for the whole program"


def _is_left(node: ast.AST, scope: CodeScope, maker: ClientMaker) -> bool:
    parents = scope.file.parents
    outer = parents[node]
    if isinstance(outer, ast.Await):
        node, outer = outer, parents[outer]
    if isinstance(outer, ast.Attribute):
        call = _called(outer, scope)
        return call is not None and _is_consumed(call, scope) and is_async_use(_attributes(call), maker)
    target = outer.targets[0] if isinstance(outer, ast.Assign) and len(outer.targets) == 1 else None
    if isinstance(outer, (ast.AnnAssign, ast.NamedExpr)):
        target = outer.target
    if not isinstance(target, ast.Name) or target.id in scope.outer or maker.noun in ("connection", "process"):
        return False
    others = [bound.value for bound in scope.names.get(target.id, ()) if bound.node is not outer]
    if not all(isinstance(each, ast.Constant) for each in others):
        return False
    return _only_calls(target.id, scope, maker)


def _only_calls(name: str, scope: CodeScope, maker: ClientMaker) -> bool:
    """Returns whether a coroutine does nothing with a variable but call its methods, and none that closes."""
    used = False
    for inner in _within(scope, name):
        if inner is not scope and not _is_only_called(inner):
            return False
        for node in inner.nodes:
            if not isinstance(node, ast.Name) or node.id != name or not isinstance(node.ctx, ast.Load):
                continue
            around = scope.file.parents[node]
            if isinstance(around, ast.Attribute):
                call = _called(around, inner)
                if call is None or _attributes(call)[-1] in CLOSERS | {"__aenter__"} or not _is_consumed(call, inner):
                    return False
                used = used or is_async_use(_attributes(call), maker)
            elif not isinstance(around, (ast.Compare, ast.If, ast.UnaryOp, ast.FormattedValue)):
                return False
    return used


def _within(scope: CodeScope, name: str) -> Iterator[CodeScope]:
    """Yields a function and those inside it that see its variable."""
    yield scope
    for inner in scope.file.scopes:
        if inner.parent is not None and inner is not scope and name not in inner.names:
            around: CodeScope | None = inner.parent
            while around is not None and around is not scope:
                around = around.parent
            uses = any(isinstance(node, ast.Name) and node.id == name for node in inner.nodes)
            if around is scope and uses:
                yield inner


def _is_only_called(function: CodeScope) -> bool:
    """Returns whether an inner function is used in no other way than by calls."""
    if function.is_class or isinstance(function.node, ast.Lambda) or function.decorators() or function.parent is None:
        return False
    for node in function.parent.nodes:
        if isinstance(node, ast.Name) and node.id == function.name and isinstance(node.ctx, ast.Load):
            around = function.file.parents[node]
            if not isinstance(around, ast.Call) or around.func is not node:
                return False
    return True


def _called(node: ast.AST, scope: CodeScope) -> ast.Call | None:
    """Returns the call of a method that an attribute belongs to."""
    while isinstance(node, ast.Attribute):
        outer = scope.file.parents[node]
        if isinstance(outer, ast.Call) and outer.func is node:
            return outer
        node = outer
    return None


def _attributes(call: ast.Call) -> list[str]:
    names: list[str] = []
    node: ast.AST = call.func
    while isinstance(node, ast.Attribute):
        names.append(node.attr)
        node = node.value
    return names[::-1] or [""]


def _is_consumed(call: ast.Call, scope: CodeScope) -> bool:
    """Returns whether the function itself waits for a call, so that nothing it returns needs the client."""
    outer = scope.file.parents[call]
    if isinstance(outer, (ast.Await, ast.AsyncFor, ast.withitem, ast.Expr)):
        return True
    if isinstance(outer, ast.comprehension):
        return bool(outer.is_async)
    if isinstance(outer, (ast.ListComp, ast.GeneratorExp)):
        return True
    if isinstance(outer, ast.Starred):
        return True
    if isinstance(outer, ast.Call):
        names = _attributes(outer) if isinstance(outer.func, ast.Attribute) else [getattr(outer.func, "id", "")]
        return names[-1] in _CONSUMERS and call is not outer.func
    return False


RULE = CheckRule("EL002", "unclosed-client", "a coroutine makes a client and never closes it", WHY, WRONG, RIGHT, find)
